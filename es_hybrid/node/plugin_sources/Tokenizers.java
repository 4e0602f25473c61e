package eshybrid.analysis;

import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.core.KeywordTokenizer;
import org.apache.lucene.analysis.core.LetterTokenizer;
import org.apache.lucene.analysis.core.WhitespaceTokenizer;
import org.apache.lucene.analysis.email.UAX29URLEmailTokenizer;
import org.apache.lucene.analysis.path.PathHierarchyTokenizer;
import org.apache.lucene.analysis.path.ReversePathHierarchyTokenizer;
import org.apache.lucene.analysis.pattern.PatternTokenizer;
import org.elasticsearch.plugin.Inject;
import org.elasticsearch.plugin.NamedComponent;
import org.elasticsearch.plugin.analysis.TokenizerFactory;
import org.elasticsearch.plugin.settings.AnalysisSettings;
import org.elasticsearch.plugin.settings.BooleanSetting;
import org.elasticsearch.plugin.settings.IntSetting;
import org.elasticsearch.plugin.settings.StringSetting;

/** Tokenizers that cut a text at places; those that cut it into grams are in {@link Grams}. */
public final class Tokenizers {
    private Tokenizers() {}

    @AnalysisSettings
    public interface TokenLength {
        @IntSetting(path = "max_token_length", defaultValue = 255)
        int maxTokenLength();
    }

    @NamedComponent("whitespace")
    public static class Whitespace implements TokenizerFactory {
        private final TokenLength options;

        @Inject
        public Whitespace(TokenLength options) {
            this.options = options;
        }

        @Override
        public Tokenizer create() {
            return new WhitespaceTokenizer(
                TokenStream.DEFAULT_TOKEN_ATTRIBUTE_FACTORY, options.maxTokenLength());
        }
    }

    /** The security index finds users by their e-mail address with it. */
    @NamedComponent("uax_url_email")
    public static class UrlEmail implements TokenizerFactory {
        private final TokenLength options;

        @Inject
        public UrlEmail(TokenLength options) {
            this.options = options;
        }

        @Override
        public Tokenizer create() {
            UAX29URLEmailTokenizer tokenizer = new UAX29URLEmailTokenizer();
            tokenizer.setMaxTokenLength(options.maxTokenLength());
            return tokenizer;
        }
    }

    @NamedComponent("letter")
    public static class Letter implements TokenizerFactory {
        @Override
        public Tokenizer create() {
            return new LetterTokenizer();
        }
    }

    @NamedComponent("keyword")
    public static class Keyword implements TokenizerFactory {
        @AnalysisSettings
        public interface Options {
            @IntSetting(path = "buffer_size", defaultValue = KeywordTokenizer.DEFAULT_BUFFER_SIZE)
            int bufferSize();
        }

        private final Options options;

        @Inject
        public Keyword(Options options) {
            this.options = options;
        }

        @Override
        public Tokenizer create() {
            return new KeywordTokenizer(options.bufferSize());
        }
    }

    @NamedComponent("pattern")
    public static class ByPattern implements TokenizerFactory {
        @AnalysisSettings
        public interface Options {
            @StringSetting(path = "pattern", defaultValue = "\\W+")
            String pattern();

            @StringSetting(path = "flags", defaultValue = "")
            String flags();

            /** The group that is the token; -1 splits at the pattern. */
            @IntSetting(path = "group", defaultValue = -1)
            int group();
        }

        private final Options options;

        @Inject
        public ByPattern(Options options) {
            this.options = options;
        }

        @Override
        public Tokenizer create() {
            return new PatternTokenizer(
                Settings.pattern(options.pattern(), options.flags()), options.group());
        }
    }

    @NamedComponent("path_hierarchy")
    public static class PathHierarchy implements TokenizerFactory {
        @AnalysisSettings
        public interface Options {
            @StringSetting(path = "delimiter", defaultValue = "/")
            String delimiter();

            @StringSetting(path = "replacement", defaultValue = "")
            String replacement();

            @IntSetting(path = "buffer_size", defaultValue = 1024)
            int bufferSize();

            @IntSetting(path = "skip", defaultValue = PathHierarchyTokenizer.DEFAULT_SKIP)
            int skip();

            @BooleanSetting(path = "reverse", defaultValue = false)
            boolean reverse();
        }

        private final Options options;

        @Inject
        public PathHierarchy(Options options) {
            this.options = options;
        }

        @Override
        public Tokenizer create() {
            char delimiter = Settings.oneChar("delimiter", options.delimiter());
            char replacement = options.replacement().isEmpty()
                ? delimiter
                : Settings.oneChar("replacement", options.replacement());
            int buffer = options.bufferSize();
            return options.reverse()
                ? new ReversePathHierarchyTokenizer(buffer, delimiter, replacement, options.skip())
                : new PathHierarchyTokenizer(buffer, delimiter, replacement, options.skip());
        }
    }
}
