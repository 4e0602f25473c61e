package eshybrid.analysis;

import java.util.List;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.core.FlattenGraphFilter;
import org.apache.lucene.analysis.miscellaneous.LengthFilter;
import org.apache.lucene.analysis.pattern.PatternCaptureGroupTokenFilter;
import org.elasticsearch.plugin.Inject;
import org.elasticsearch.plugin.NamedComponent;
import org.elasticsearch.plugin.analysis.TokenFilterFactory;
import org.elasticsearch.plugin.settings.AnalysisSettings;
import org.elasticsearch.plugin.settings.BooleanSetting;
import org.elasticsearch.plugin.settings.IntSetting;
import org.elasticsearch.plugin.settings.ListSetting;

/** Token filters that drop, add or rearrange whole tokens. */
public final class Tokens {
    private Tokens() {}

    @NamedComponent("length")
    public static class Length implements TokenFilterFactory {
        @AnalysisSettings
        public interface Options {
            @IntSetting(path = "min", defaultValue = 0)
            int min();

            @IntSetting(path = "max", defaultValue = Integer.MAX_VALUE)
            int max();
        }

        private final Options options;

        @Inject
        public Length(Options options) {
            this.options = options;
        }

        @Override
        public TokenStream create(TokenStream input) {
            return new LengthFilter(input, options.min(), options.max());
        }
    }

    /** The security index needs it for e-mail addresses. */
    @NamedComponent("unique")
    public static class Unique implements TokenFilterFactory {
        @AnalysisSettings
        public interface Options {
            @BooleanSetting(path = "only_on_same_position", defaultValue = false)
            boolean onlyOnSamePosition();
        }

        private final Options options;

        @Inject
        public Unique(Options options) {
            this.options = options;
        }

        @Override
        public TokenStream create(TokenStream input) {
            return new UniqueFilter(input, options.onlyOnSamePosition());
        }
    }

    /** The security index needs it for e-mail addresses. */
    @NamedComponent("pattern_capture")
    public static class PatternCapture implements TokenFilterFactory {
        @AnalysisSettings
        public interface Options {
            @ListSetting(path = "patterns")
            List<String> patterns();

            @BooleanSetting(path = "preserve_original", defaultValue = true)
            boolean preserveOriginal();
        }

        private final Options options;

        @Inject
        public PatternCapture(Options options) {
            this.options = options;
        }

        @Override
        public TokenStream create(TokenStream input) {
            if (options.patterns().isEmpty()) {
                throw new IllegalArgumentException("[patterns] is required and missing");
            }
            Pattern[] patterns =
                options.patterns().stream().map(Pattern::compile).toArray(Pattern[]::new);
            return new PatternCaptureGroupTokenFilter(input, options.preserveOriginal(), patterns);
        }
    }

    @NamedComponent("flatten_graph")
    public static class FlattenGraph implements TokenFilterFactory {
        @Override
        public TokenStream create(TokenStream input) {
            return new FlattenGraphFilter(input);
        }
    }
}
