package eshybrid.analysis;

import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.core.DecimalDigitFilter;
import org.apache.lucene.analysis.miscellaneous.ASCIIFoldingFilter;
import org.apache.lucene.analysis.miscellaneous.TrimFilter;
import org.apache.lucene.analysis.miscellaneous.TruncateTokenFilter;
import org.apache.lucene.analysis.reverse.ReverseStringFilter;
import org.apache.lucene.analysis.tr.ApostropheFilter;
import org.elasticsearch.plugin.Inject;
import org.elasticsearch.plugin.NamedComponent;
import org.elasticsearch.plugin.analysis.TokenFilterFactory;
import org.elasticsearch.plugin.settings.AnalysisSettings;
import org.elasticsearch.plugin.settings.BooleanSetting;
import org.elasticsearch.plugin.settings.IntSetting;

/**
 * Token filters that change the letters of a token.
 *
 * <p>Those with normalize() also act on the prefixes and wildcards in a query string, as
 * Elasticsearch's own do. Custom normalizers refuse them all the same: a stable plugin's filter
 * cannot be marked as fit for one.
 */
public final class Letters {
    private Letters() {}

    @NamedComponent("asciifolding")
    public static class AsciiFolding implements TokenFilterFactory {
        @AnalysisSettings
        public interface Options {
            @BooleanSetting(path = "preserve_original", defaultValue = false)
            boolean preserveOriginal();
        }

        private final Options options;

        @Inject
        public AsciiFolding(Options options) {
            this.options = options;
        }

        @Override
        public TokenStream create(TokenStream input) {
            return new ASCIIFoldingFilter(input, options.preserveOriginal());
        }

        /** A normalised term is one term, so the original is never kept. */
        @Override
        public TokenStream normalize(TokenStream input) {
            return new ASCIIFoldingFilter(input, false);
        }
    }

    @NamedComponent("decimal_digit")
    public static class DecimalDigit implements TokenFilterFactory {
        @Override
        public TokenStream create(TokenStream input) {
            return new DecimalDigitFilter(input);
        }

        @Override
        public TokenStream normalize(TokenStream input) {
            return create(input);
        }
    }

    @NamedComponent("trim")
    public static class Trim implements TokenFilterFactory {
        @Override
        public TokenStream create(TokenStream input) {
            return new TrimFilter(input);
        }

        @Override
        public TokenStream normalize(TokenStream input) {
            return create(input);
        }
    }

    @NamedComponent("apostrophe")
    public static class Apostrophe implements TokenFilterFactory {
        @Override
        public TokenStream create(TokenStream input) {
            return new ApostropheFilter(input);
        }
    }

    @NamedComponent("reverse")
    public static class Reverse implements TokenFilterFactory {
        @Override
        public TokenStream create(TokenStream input) {
            return new ReverseStringFilter(input);
        }
    }

    @NamedComponent("truncate")
    public static class Truncate implements TokenFilterFactory {
        @AnalysisSettings
        public interface Options {
            @IntSetting(path = "length", defaultValue = 10)
            int length();
        }

        private final Options options;

        @Inject
        public Truncate(Options options) {
            this.options = options;
        }

        @Override
        public TokenStream create(TokenStream input) {
            return new TruncateTokenFilter(input, options.length());
        }
    }
}
