package eshybrid.analysis;

import java.util.List;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.ko.KoreanAnalyzer;
import org.apache.lucene.analysis.ko.KoreanNumberFilter;
import org.apache.lucene.analysis.ko.KoreanPartOfSpeechStopFilter;
import org.apache.lucene.analysis.ko.KoreanReadingFormFilter;
import org.apache.lucene.analysis.ko.KoreanTokenizer;
import org.elasticsearch.plugin.Inject;
import org.elasticsearch.plugin.NamedComponent;
import org.elasticsearch.plugin.analysis.AnalyzerFactory;
import org.elasticsearch.plugin.analysis.TokenFilterFactory;
import org.elasticsearch.plugin.analysis.TokenizerFactory;
import org.elasticsearch.plugin.settings.AnalysisSettings;
import org.elasticsearch.plugin.settings.BooleanSetting;
import org.elasticsearch.plugin.settings.ListSetting;
import org.elasticsearch.plugin.settings.StringSetting;

/** The components of analysis-nori. */
public final class Korean {
    private Korean() {}

    @AnalysisSettings
    public interface Options {
        @StringSetting(path = "decompound_mode", defaultValue = "discard")
        String decompoundMode();

        @BooleanSetting(path = "discard_punctuation", defaultValue = true)
        boolean discardPunctuation();

        @StringSetting(path = "user_dictionary", defaultValue = "")
        String userDictionary();

        @ListSetting(path = "user_dictionary_rules")
        List<String> userDictionaryRules();

        @BooleanSetting(path = "lenient", defaultValue = false)
        boolean lenient();

        @ListSetting(path = "stoptags")
        List<String> stoptags();

        @StringSetting(path = "stoptags", defaultValue = "")
        String stoptagsAsText();
    }

    @NamedComponent("nori")
    public static class NoriAnalyzer implements AnalyzerFactory {
        private final Options options;

        @Inject
        public NoriAnalyzer(Options options) {
            this.options = options;
        }

        @Override
        public Analyzer create() {
            return new KoreanAnalyzer(
                KoreanSettings.userDictionary(options),
                KoreanSettings.decompoundMode(options),
                KoreanSettings.stoptags(options),
                false);
        }
    }

    @NamedComponent("nori_tokenizer")
    public static class NoriTokenizer implements TokenizerFactory {
        private final Options options;
        private final KoreanSettings.OpenedOnce dictionary = new KoreanSettings.OpenedOnce();

        @Inject
        public NoriTokenizer(Options options) {
            this.options = options;
        }

        @Override
        public Tokenizer create() {
            return new KoreanTokenizer(
                TokenStream.DEFAULT_TOKEN_ATTRIBUTE_FACTORY,
                dictionary.of(options),
                KoreanSettings.decompoundMode(options),
                false,
                options.discardPunctuation());
        }
    }

    @NamedComponent("nori_part_of_speech")
    public static class NoriPartOfSpeech implements TokenFilterFactory {
        private final Options options;

        @Inject
        public NoriPartOfSpeech(Options options) {
            this.options = options;
        }

        @Override
        public TokenStream create(TokenStream input) {
            return new KoreanPartOfSpeechStopFilter(input, KoreanSettings.stoptags(options));
        }
    }

    @NamedComponent("nori_readingform")
    public static class NoriReadingForm implements TokenFilterFactory {
        @Override
        public TokenStream create(TokenStream input) {
            return new KoreanReadingFormFilter(input);
        }
    }

    @NamedComponent("nori_number")
    public static class NoriNumber implements TokenFilterFactory {
        @Override
        public TokenStream create(TokenStream input) {
            return new KoreanNumberFilter(input);
        }
    }
}
