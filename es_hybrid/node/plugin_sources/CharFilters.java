package eshybrid.analysis;

import java.io.Reader;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.charfilter.HTMLStripCharFilter;
import org.apache.lucene.analysis.charfilter.MappingCharFilter;
import org.apache.lucene.analysis.charfilter.NormalizeCharMap;
import org.apache.lucene.analysis.pattern.PatternReplaceCharFilter;
import org.elasticsearch.plugin.Inject;
import org.elasticsearch.plugin.NamedComponent;
import org.elasticsearch.plugin.analysis.CharFilterFactory;
import org.elasticsearch.plugin.settings.AnalysisSettings;
import org.elasticsearch.plugin.settings.ListSetting;
import org.elasticsearch.plugin.settings.StringSetting;

/** What changes a text before it is cut into tokens. */
public final class CharFilters {
    private CharFilters() {}

    @NamedComponent("html_strip")
    public static class HtmlStrip implements CharFilterFactory {
        @AnalysisSettings
        public interface Options {
            @ListSetting(path = "escaped_tags")
            List<String> escapedTags();
        }

        private final Options options;

        @Inject
        public HtmlStrip(Options options) {
            this.options = options;
        }

        @Override
        public Reader create(Reader input) {
            return new HTMLStripCharFilter(input, Set.copyOf(options.escapedTags()));
        }
    }

    @NamedComponent("pattern_replace")
    public static class PatternReplace implements CharFilterFactory {
        @AnalysisSettings
        public interface Options {
            @StringSetting(path = "pattern", defaultValue = "")
            String pattern();

            @StringSetting(path = "replacement", defaultValue = "")
            String replacement();

            @StringSetting(path = "flags", defaultValue = "")
            String flags();
        }

        private final Options options;

        @Inject
        public PatternReplace(Options options) {
            this.options = options;
        }

        @Override
        public Reader create(Reader input) {
            String regex = Settings.required("pattern", options.pattern());
            Pattern pattern = Settings.pattern(regex, options.flags());
            return new PatternReplaceCharFilter(pattern, options.replacement(), input);
        }

        @Override
        public Reader normalize(Reader input) {
            return create(input);
        }
    }

    @NamedComponent("mapping")
    public static class CharMapping implements CharFilterFactory {
        private static final Pattern RULE = Pattern.compile("(?<from>.+?)\\s*=>\\s*(?<to>.*)");

        @AnalysisSettings
        public interface Options {
            @ListSetting(path = "mappings")
            List<String> mappings();

            @StringSetting(path = "mappings_path", defaultValue = "")
            String mappingsPath();
        }

        private final Options options;

        @Inject
        public CharMapping(Options options) {
            this.options = options;
        }

        @Override
        public Reader create(Reader input) {
            Settings.unsupported("mappings_path", options.mappingsPath(), "mappings");
            if (options.mappings().isEmpty()) {
                throw new IllegalArgumentException("[mappings] is required and missing");
            }
            NormalizeCharMap.Builder map = new NormalizeCharMap.Builder();
            options.mappings().forEach(rule -> add(rule, map));
            return new MappingCharFilter(map.build(), input);
        }

        @Override
        public Reader normalize(Reader input) {
            return create(input);
        }

        private static void add(String rule, NormalizeCharMap.Builder map) {
            Matcher parts = RULE.matcher(rule.strip());
            if (!parts.matches()) {
                throw new IllegalArgumentException(
                    "[mappings] has [" + rule + "]: write each rule as \"from => to\"");
            }
            // A rule may spell white space and signs as Java does: backslash n, backslash u0020.
            map.add(unescape(parts.group("from")), unescape(parts.group("to")));
        }

        private static String unescape(String text) {
            Matcher escape = Pattern.compile("\\\\(u[0-9a-fA-F]{4}|.)").matcher(text);
            return escape.replaceAll(found -> Matcher.quoteReplacement(meaning(found.group(1))));
        }

        private static String meaning(String escaped) {
            if (escaped.length() > 1) {
                return String.valueOf((char) Integer.parseInt(escaped.substring(1), 16));
            }
            return switch (escaped) {
                case "n" -> "\n";
                case "t" -> "\t";
                case "r" -> "\r";
                case "b" -> "\b";
                case "f" -> "\f";
                default -> escaped;
            };
        }
    }
}
