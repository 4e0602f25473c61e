package eshybrid.analysis;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.CharArraySet;
import org.apache.lucene.analysis.en.EnglishAnalyzer;

/**
 * What several components read from their settings.
 *
 * <p>Everything here is called from create(): an exception there answers 400 with its message, one
 * in a constructor answers 500 without it.
 */
final class Settings {
    /** The names that Elasticsearch documents for {@code flags}, joined by "|". */
    private static final Map<String, Integer> FLAGS = Map.of(
        "CASE_INSENSITIVE", Pattern.CASE_INSENSITIVE,
        "MULTILINE", Pattern.MULTILINE,
        "DOTALL", Pattern.DOTALL,
        "UNICODE_CASE", Pattern.UNICODE_CASE,
        "CANON_EQ", Pattern.CANON_EQ,
        "UNIX_LINES", Pattern.UNIX_LINES,
        "LITERAL", Pattern.LITERAL,
        "COMMENTS", Pattern.COMMENTS,
        "UNICODE_CHAR_CLASS", Pattern.UNICODE_CHARACTER_CLASS,
        "UNICODE_CHARACTER_CLASS", Pattern.UNICODE_CHARACTER_CLASS);

    private Settings() {}

    /**
     * Stop words as Elasticsearch reads them: words, {@code _english_} and {@code _none_}.
     *
     * @param raw the same setting as text, which is empty only where the setting is absent, so that
     *     an empty list means "no stop words" and not "the default ones"
     */
    static CharArraySet stopwords(List<String> words, String raw, CharArraySet unset) {
        if (raw.isEmpty()) {
            return unset;
        }
        CharArraySet stop = new CharArraySet(words.size(), false);
        for (String word : words) {
            if (word.equals("_english_")) {
                stop.addAll(EnglishAnalyzer.getDefaultStopSet());
            } else if (word.matches("_[a-z]+_") && !word.equals("_none_")) {
                throw new IllegalArgumentException("[stopwords] has [" + word + "]; the embedded"
                    + " node knows [_english_, _none_]: list other words one by one");
            } else if (!word.equals("_none_")) {
                stop.add(word);
            }
        }
        return stop;
    }

    static Pattern pattern(String regex, String flags) {
        int bits = 0;
        for (String flag : flags.split("\\|")) {
            String name = flag.strip().toUpperCase(Locale.ROOT);
            bits |= name.isEmpty() ? 0 : oneOf("flags", name, FLAGS);
        }
        return Pattern.compile(regex, bits);
    }

    static String required(String setting, String value) {
        if (value.isEmpty()) {
            throw new IllegalArgumentException("[" + setting + "] is required and missing");
        }
        return value;
    }

    static char oneChar(String setting, String value) {
        if (value.length() != 1) {
            throw new IllegalArgumentException(
                "[" + setting + "] must be one character, not [" + value + "]");
        }
        return value.charAt(0);
    }

    static <T> T oneOf(String setting, String value, Map<String, T> choices) {
        T chosen = choices.get(value);
        if (chosen == null) {
            throw new IllegalArgumentException("[" + setting + "] is [" + value
                + "]; the embedded node knows " + sorted(choices.keySet()));
        }
        return chosen;
    }

    /**
     * Refuses what would otherwise be ignored without a word; above all files, since a stable
     * plugin cannot see the config folder.
     */
    static void unsupported(String setting, String value, String instead) {
        if (!value.isEmpty()) {
            throw new IllegalArgumentException("[" + setting + "] is [" + value
                + "], which the embedded node does not read: use " + instead);
        }
    }

    private static String sorted(Set<String> names) {
        return Arrays.toString(names.stream().sorted().toArray());
    }
}
