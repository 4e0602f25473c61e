package eshybrid.analysis;

import java.util.List;
import java.util.Map;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.cjk.CJKAnalyzer;
import org.apache.lucene.analysis.cjk.CJKBigramFilter;
import org.apache.lucene.analysis.cjk.CJKWidthFilter;
import org.elasticsearch.plugin.Inject;
import org.elasticsearch.plugin.NamedComponent;
import org.elasticsearch.plugin.analysis.AnalyzerFactory;
import org.elasticsearch.plugin.analysis.TokenFilterFactory;
import org.elasticsearch.plugin.settings.AnalysisSettings;
import org.elasticsearch.plugin.settings.BooleanSetting;
import org.elasticsearch.plugin.settings.ListSetting;
import org.elasticsearch.plugin.settings.StringSetting;

/** Chinese, Japanese and Korean by overlapping pairs of characters, without a dictionary. */
public final class Cjk {
    private Cjk() {}

    @NamedComponent("cjk")
    public static class CjkText implements AnalyzerFactory {
        @AnalysisSettings
        public interface Options {
            @ListSetting(path = "stopwords")
            List<String> stopwords();

            @StringSetting(path = "stopwords", defaultValue = "")
            String stopwordsAsText();

            @StringSetting(path = "stopwords_path", defaultValue = "")
            String stopwordsPath();
        }

        private final Options options;

        @Inject
        public CjkText(Options options) {
            this.options = options;
        }

        @Override
        public Analyzer create() {
            Settings.unsupported("stopwords_path", options.stopwordsPath(), "stopwords");
            return new CJKAnalyzer(Settings.stopwords(
                options.stopwords(), options.stopwordsAsText(), CJKAnalyzer.getDefaultStopSet()));
        }
    }

    @NamedComponent("cjk_bigram")
    public static class CjkBigram implements TokenFilterFactory {
        private static final Map<String, Integer> SCRIPTS = Map.of(
            "han", CJKBigramFilter.HAN,
            "hiragana", CJKBigramFilter.HIRAGANA,
            "katakana", CJKBigramFilter.KATAKANA,
            "hangul", CJKBigramFilter.HANGUL);

        @AnalysisSettings
        public interface Options {
            @BooleanSetting(path = "output_unigrams", defaultValue = false)
            boolean outputUnigrams();

            @ListSetting(path = "ignored_scripts")
            List<String> ignoredScripts();
        }

        private final Options options;

        @Inject
        public CjkBigram(Options options) {
            this.options = options;
        }

        /** An unknown script is ignored, as Elasticsearch's own filter does. */
        @Override
        public TokenStream create(TokenStream input) {
            int scripts = 0;
            for (Map.Entry<String, Integer> script : SCRIPTS.entrySet()) {
                boolean ignored = options.ignoredScripts().contains(script.getKey());
                scripts |= ignored ? 0 : script.getValue();
            }
            return new CJKBigramFilter(input, scripts, options.outputUnigrams());
        }
    }

    @NamedComponent("cjk_width")
    public static class CjkWidth implements TokenFilterFactory {
        @Override
        public TokenStream create(TokenStream input) {
            return new CJKWidthFilter(input);
        }

        @Override
        public TokenStream normalize(TokenStream input) {
            return create(input);
        }
    }
}
