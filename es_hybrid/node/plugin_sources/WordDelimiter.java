package eshybrid.analysis;

import java.util.List;
import org.apache.lucene.analysis.CharArraySet;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.miscellaneous.WordDelimiterGraphFilter;
import org.apache.lucene.analysis.miscellaneous.WordDelimiterIterator;
import org.elasticsearch.plugin.Inject;
import org.elasticsearch.plugin.NamedComponent;
import org.elasticsearch.plugin.analysis.TokenFilterFactory;
import org.elasticsearch.plugin.settings.AnalysisSettings;
import org.elasticsearch.plugin.settings.BooleanSetting;
import org.elasticsearch.plugin.settings.ListSetting;
import org.elasticsearch.plugin.settings.StringSetting;

/** Parts of product names and numbers: "XL-500AutoCoder" is also XL, 500, Auto, Coder. */
@NamedComponent("word_delimiter_graph")
public class WordDelimiter implements TokenFilterFactory {
    @AnalysisSettings
    public interface Options {
        @BooleanSetting(path = "adjust_offsets", defaultValue = true)
        boolean adjustOffsets();

        @BooleanSetting(path = "generate_word_parts", defaultValue = true)
        boolean generateWordParts();

        @BooleanSetting(path = "generate_number_parts", defaultValue = true)
        boolean generateNumberParts();

        @BooleanSetting(path = "catenate_words", defaultValue = false)
        boolean catenateWords();

        @BooleanSetting(path = "catenate_numbers", defaultValue = false)
        boolean catenateNumbers();

        @BooleanSetting(path = "catenate_all", defaultValue = false)
        boolean catenateAll();

        @BooleanSetting(path = "preserve_original", defaultValue = false)
        boolean preserveOriginal();

        @BooleanSetting(path = "split_on_case_change", defaultValue = true)
        boolean splitOnCaseChange();

        @BooleanSetting(path = "split_on_numerics", defaultValue = true)
        boolean splitOnNumerics();

        @BooleanSetting(path = "stem_english_possessive", defaultValue = true)
        boolean stemEnglishPossessive();

        @BooleanSetting(path = "ignore_keywords", defaultValue = false)
        boolean ignoreKeywords();

        @ListSetting(path = "protected_words")
        List<String> protectedWords();

        @StringSetting(path = "protected_words_path", defaultValue = "")
        String protectedWordsPath();

        @StringSetting(path = "type_table", defaultValue = "")
        String typeTable();

        @StringSetting(path = "type_table_path", defaultValue = "")
        String typeTablePath();
    }

    private final Options options;

    @Inject
    public WordDelimiter(Options options) {
        this.options = options;
    }

    @Override
    public TokenStream create(TokenStream input) {
        String file = options.protectedWordsPath();
        Settings.unsupported("protected_words_path", file, "protected_words");
        Settings.unsupported("type_table", options.typeTable(), "a mapping char filter");
        Settings.unsupported("type_table_path", options.typeTablePath(), "a mapping char filter");
        return new WordDelimiterGraphFilter(
            input,
            options.adjustOffsets(),
            WordDelimiterIterator.DEFAULT_WORD_DELIM_TABLE,
            flags(),
            new CharArraySet(options.protectedWords(), false));
    }

    private int flags() {
        return bit(options.generateWordParts(), WordDelimiterGraphFilter.GENERATE_WORD_PARTS)
            | bit(options.generateNumberParts(), WordDelimiterGraphFilter.GENERATE_NUMBER_PARTS)
            | bit(options.catenateWords(), WordDelimiterGraphFilter.CATENATE_WORDS)
            | bit(options.catenateNumbers(), WordDelimiterGraphFilter.CATENATE_NUMBERS)
            | bit(options.catenateAll(), WordDelimiterGraphFilter.CATENATE_ALL)
            | bit(options.preserveOriginal(), WordDelimiterGraphFilter.PRESERVE_ORIGINAL)
            | bit(options.splitOnCaseChange(), WordDelimiterGraphFilter.SPLIT_ON_CASE_CHANGE)
            | bit(options.splitOnNumerics(), WordDelimiterGraphFilter.SPLIT_ON_NUMERICS)
            | bit(options.stemEnglishPossessive(), WordDelimiterGraphFilter.STEM_ENGLISH_POSSESSIVE)
            | bit(options.ignoreKeywords(), WordDelimiterGraphFilter.IGNORE_KEYWORDS);
    }

    private static int bit(boolean wanted, int flag) {
        return wanted ? flag : 0;
    }
}
