package eshybrid.analysis;

import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.apache.lucene.analysis.ko.KoreanPartOfSpeechStopFilter;
import org.apache.lucene.analysis.ko.KoreanTokenizer.DecompoundMode;
import org.apache.lucene.analysis.ko.POS;
import org.apache.lucene.analysis.ko.dict.UserDictionary;

/** What the Korean components read from their settings. */
final class KoreanSettings {
    private static final Map<String, DecompoundMode> MODES = Map.of(
        "none", DecompoundMode.NONE,
        "discard", DecompoundMode.DISCARD,
        "mixed", DecompoundMode.MIXED);

    private KoreanSettings() {}

    static DecompoundMode decompoundMode(Korean.Options options) {
        String mode = options.decompoundMode().toLowerCase(Locale.ROOT);
        return Settings.oneOf("decompound_mode", mode, MODES);
    }

    static Set<POS.Tag> stoptags(Korean.Options options) {
        if (options.stoptagsAsText().isEmpty()) {
            return KoreanPartOfSpeechStopFilter.DEFAULT_STOP_TAGS;
        }
        Set<POS.Tag> tags = EnumSet.noneOf(POS.Tag.class);
        options.stoptags().forEach(tag -> tags.add(tag(tag)));
        return tags;
    }

    /** Lucene 10 split the tags E and J, which older mappings list, into finer ones. */
    private static POS.Tag tag(String name) {
        try {
            return POS.resolveTag(name);
        } catch (IllegalArgumentException unknown) {
            throw new IllegalArgumentException("[stoptags] has [" + name + "], which is no part of"
                + " speech of this Lucene version: leave stoptags out for the default ones, or"
                + " choose among " + Arrays.toString(POS.Tag.values()), unknown);
        }
    }

    /** Null, which Lucene takes for "none", where there are no rules. */
    static UserDictionary userDictionary(Korean.Options options) {
        String file = options.userDictionary();
        Settings.unsupported("user_dictionary", file, "user_dictionary_rules");
        List<String> rules = options.userDictionaryRules();
        if (!options.lenient()) {
            refuseDuplicates(rules);
        }
        try {
            return UserDictionary.open(new StringReader(String.join("\n", rules)));
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }

    private static void refuseDuplicates(List<String> rules) {
        Set<String> seen = new HashSet<>();
        for (int line = 0; line < rules.size(); line++) {
            String rule = rules.get(line);
            if (!rule.startsWith("#") && !seen.add(rule)) {
                throw new IllegalArgumentException("Found duplicate term [" + rule
                    + "] in user dictionary at line [" + line + "]: remove it, or set [lenient]");
            }
        }
    }

    /** A tokenizer is created many times; its dictionary is built the first time only. */
    static final class OpenedOnce {
        private boolean opened;
        private UserDictionary dictionary;

        synchronized UserDictionary of(Korean.Options options) {
            if (!opened) {
                dictionary = userDictionary(options);
                opened = true;
            }
            return dictionary;
        }
    }
}
