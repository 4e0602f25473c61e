package eshybrid.analysis;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.CharArraySet;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.en.EnglishAnalyzer;
import org.apache.lucene.analysis.en.EnglishMinimalStemFilter;
import org.apache.lucene.analysis.en.EnglishPossessiveFilter;
import org.apache.lucene.analysis.en.KStemFilter;
import org.apache.lucene.analysis.en.PorterStemFilter;
import org.apache.lucene.analysis.snowball.SnowballFilter;
import org.elasticsearch.plugin.Inject;
import org.elasticsearch.plugin.NamedComponent;
import org.elasticsearch.plugin.analysis.AnalyzerFactory;
import org.elasticsearch.plugin.analysis.TokenFilterFactory;
import org.elasticsearch.plugin.settings.AnalysisSettings;
import org.elasticsearch.plugin.settings.ListSetting;
import org.elasticsearch.plugin.settings.StringSetting;
import org.tartarus.snowball.ext.EnglishStemmer;

/** The english analyzer and the stemmers of English. */
public final class English {
    private English() {}

    @NamedComponent("english")
    public static class EnglishText implements AnalyzerFactory {
        @AnalysisSettings
        public interface Options {
            @ListSetting(path = "stopwords")
            List<String> stopwords();

            @StringSetting(path = "stopwords", defaultValue = "")
            String stopwordsAsText();

            @StringSetting(path = "stopwords_path", defaultValue = "")
            String stopwordsPath();

            @ListSetting(path = "stem_exclusion")
            List<String> stemExclusion();
        }

        private final Options options;

        @Inject
        public EnglishText(Options options) {
            this.options = options;
        }

        @Override
        public Analyzer create() {
            Settings.unsupported("stopwords_path", options.stopwordsPath(), "stopwords");
            CharArraySet usual = EnglishAnalyzer.getDefaultStopSet();
            CharArraySet stopwords =
                Settings.stopwords(options.stopwords(), options.stopwordsAsText(), usual);
            return new EnglishAnalyzer(stopwords, new CharArraySet(options.stemExclusion(), false));
        }
    }

    @NamedComponent("stemmer")
    public static class Stemmer implements TokenFilterFactory {
        private static final Map<String, UnaryOperator<TokenStream>> LANGUAGES = Map.of(
            "english", PorterStemFilter::new,
            "porter", PorterStemFilter::new,
            "porter2", input -> new SnowballFilter(input, new EnglishStemmer()),
            "light_english", KStemFilter::new,
            "lightenglish", KStemFilter::new,
            "minimal_english", EnglishMinimalStemFilter::new,
            "minimalenglish", EnglishMinimalStemFilter::new,
            "possessive_english", EnglishPossessiveFilter::new,
            "possessiveenglish", EnglishPossessiveFilter::new);

        @AnalysisSettings
        public interface Options {
            @StringSetting(path = "language", defaultValue = "")
            String language();

            /** The older name of {@code language}. */
            @StringSetting(path = "name", defaultValue = "porter")
            String name();
        }

        private final Options options;

        @Inject
        public Stemmer(Options options) {
            this.options = options;
        }

        @Override
        public TokenStream create(TokenStream input) {
            String language = options.language().isEmpty() ? options.name() : options.language();
            String key = language.toLowerCase(Locale.ROOT);
            return Settings.oneOf("language", key, LANGUAGES).apply(input);
        }
    }

    @NamedComponent("porter_stem")
    public static class PorterStem implements TokenFilterFactory {
        @Override
        public TokenStream create(TokenStream input) {
            return new PorterStemFilter(input);
        }
    }

    @NamedComponent("kstem")
    public static class KStem implements TokenFilterFactory {
        @Override
        public TokenStream create(TokenStream input) {
            return new KStemFilter(input);
        }
    }
}
