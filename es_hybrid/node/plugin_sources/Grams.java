package eshybrid.analysis;

import java.util.List;
import java.util.function.IntPredicate;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.ngram.EdgeNGramTokenFilter;
import org.apache.lucene.analysis.ngram.EdgeNGramTokenizer;
import org.apache.lucene.analysis.ngram.NGramTokenFilter;
import org.apache.lucene.analysis.ngram.NGramTokenizer;
import org.apache.lucene.analysis.reverse.ReverseStringFilter;
import org.elasticsearch.plugin.Inject;
import org.elasticsearch.plugin.NamedComponent;
import org.elasticsearch.plugin.analysis.TokenFilterFactory;
import org.elasticsearch.plugin.analysis.TokenizerFactory;
import org.elasticsearch.plugin.settings.AnalysisSettings;
import org.elasticsearch.plugin.settings.BooleanSetting;
import org.elasticsearch.plugin.settings.IntSetting;
import org.elasticsearch.plugin.settings.ListSetting;
import org.elasticsearch.plugin.settings.StringSetting;

/**
 * Pieces of words, as tokenizers and as token filters.
 *
 * <p>A stable plugin cannot read {@code index.max_ngram_diff}, so that limit is not enforced here;
 * a full cluster enforces it.
 */
public final class Grams {
    private Grams() {}

    @AnalysisSettings
    public interface Cutting {
        @IntSetting(path = "min_gram", defaultValue = 1)
        int minGram();

        @IntSetting(path = "max_gram", defaultValue = 2)
        int maxGram();

        @ListSetting(path = "token_chars")
        List<String> tokenChars();

        @StringSetting(path = "custom_token_chars", defaultValue = "")
        String customTokenChars();
    }

    @AnalysisSettings
    public interface Filtering {
        /** Absent where the filter is used by its built-in name, without a definition. */
        @StringSetting(path = "type", defaultValue = "")
        String type();

        @IntSetting(path = "min_gram", defaultValue = 1)
        int minGram();

        @IntSetting(path = "max_gram", defaultValue = 0)
        int maxGram();

        @BooleanSetting(path = "preserve_original", defaultValue = false)
        boolean preserveOriginal();

        @StringSetting(path = "side", defaultValue = "front")
        String side();
    }

    @NamedComponent("ngram")
    public static class NGrams implements TokenizerFactory {
        private final Cutting options;

        @Inject
        public NGrams(Cutting options) {
            this.options = options;
        }

        @Override
        public Tokenizer create() {
            IntPredicate wanted = TokenChars.of(options.tokenChars(), options.customTokenChars());
            return new NGramTokenizer(options.minGram(), options.maxGram()) {
                @Override
                protected boolean isTokenChar(int character) {
                    return wanted.test(character);
                }
            };
        }
    }

    @NamedComponent("edge_ngram")
    public static class EdgeNGrams implements TokenizerFactory {
        private final Cutting options;

        @Inject
        public EdgeNGrams(Cutting options) {
            this.options = options;
        }

        @Override
        public Tokenizer create() {
            IntPredicate wanted = TokenChars.of(options.tokenChars(), options.customTokenChars());
            return new EdgeNGramTokenizer(options.minGram(), options.maxGram()) {
                @Override
                protected boolean isTokenChar(int character) {
                    return wanted.test(character);
                }
            };
        }
    }

    @NamedComponent("ngram")
    public static class NGramsOfTokens implements TokenFilterFactory {
        private final Filtering options;

        @Inject
        public NGramsOfTokens(Filtering options) {
            this.options = options;
        }

        @Override
        public TokenStream create(TokenStream input) {
            int max = options.maxGram() == 0 ? 2 : options.maxGram();
            return new NGramTokenFilter(input, options.minGram(), max, options.preserveOriginal());
        }
    }

    @NamedComponent("edge_ngram")
    public static class EdgeNGramsOfTokens implements TokenFilterFactory {
        private final Filtering options;

        @Inject
        public EdgeNGramsOfTokens(Filtering options) {
            this.options = options;
        }

        @Override
        public TokenStream create(TokenStream input) {
            boolean back = options.side().equals("back");
            TokenStream grams = new EdgeNGramTokenFilter(
                back ? new ReverseStringFilter(input) : input,
                options.minGram(), maxGram(), options.preserveOriginal());
            return back ? new ReverseStringFilter(grams) : grams;
        }

        /** The documented defaults: 1 for the built-in filter, 2 for one that is defined. */
        private int maxGram() {
            int unset = options.type().isEmpty() ? 1 : 2;
            return options.maxGram() == 0 ? unset : options.maxGram();
        }
    }
}
