package eshybrid.analysis;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;

/** The character classes of {@code token_chars}. */
final class TokenChars {
    private static final Set<Byte> PUNCTUATION = Set.of(
        Character.START_PUNCTUATION,
        Character.END_PUNCTUATION,
        Character.OTHER_PUNCTUATION,
        Character.CONNECTOR_PUNCTUATION,
        Character.DASH_PUNCTUATION,
        Character.INITIAL_QUOTE_PUNCTUATION,
        Character.FINAL_QUOTE_PUNCTUATION);
    private static final Set<Byte> SYMBOL = Set.of(
        Character.CURRENCY_SYMBOL, Character.MATH_SYMBOL, Character.OTHER_SYMBOL);

    private TokenChars() {}

    /** No class at all keeps every character. */
    static IntPredicate of(List<String> classes, String custom) {
        if (classes.isEmpty()) {
            return character -> true;
        }
        Map<String, IntPredicate> known = Map.of(
            "letter", Character::isLetter,
            "digit", Character::isDigit,
            "whitespace", Character::isWhitespace,
            "punctuation", character -> PUNCTUATION.contains((byte) Character.getType(character)),
            "symbol", character -> SYMBOL.contains((byte) Character.getType(character)),
            "custom", character -> custom.indexOf(character) >= 0);
        return classes.stream()
            .map(name -> name.strip().toLowerCase(Locale.ROOT))
            .map(name -> Settings.oneOf("token_chars", name, known))
            .reduce(IntPredicate::or)
            .orElseThrow();
    }
}
