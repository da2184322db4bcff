// Texts that tokenizers stumble over. Whatever is added here goes to the end: the golden ids stand in the same order.

const LLAMA = "🦙";
const FAMILY = "👩‍👩‍👧‍👦";
const FLAG = "🇵🇪";

/** Blanks and ends of lines, alone and between words. */
const SPACES = [
  ["", " ", "  ", "   ", "    ", "        ", " ".repeat(17), " ".repeat(100), "\t", "\t\t", " \t ", "\n", "\n\n", "\n\n\n", "\r", "\r\n"],
  ["\r\n\r\n", "\n ", " \n", "  \n  ", " \n \n ", "\n\t\n", "\v", "\f", "\u0085", "\u00a0", "\u00a0\u00a0a", "\u2003", "\u2028a\u2029b"],
  ["\u3000", "\u3000你好\u3000", "\ufeff", "\ufeffabc", "\u200b", "a\u200bb", "\u180e", "\x1c\x1d\x1e\x1f", "a\x00b", "\x01\x7f"],
  ["a b", "a  b", "a   b", "a    b", " a", "  a", "   a", "a ", "a  ", "a   ", "a\tb", "a\t\tb", "a \tb", "a\nb", "a\n\nb", "a \nb"],
  ["a\n b", "a \n b", "a\n  b", "a\r\nb", "a \r\n b", "\n a", "\n\n a", "a\u00a0b", "a \u00a0 b", "a\u3000b", "\na\n", "  \n\n  x  \n"],
].flat();

/** Numbers, alone and among letters. */
const NUMBERS = [
  ["0", "7", "42", "123", "1234", "12345", "123456", "1234567", "12345678901234567890", " 1", " 12", "  123", "1 2 3", "1,234,567.89"],
  ["3.14159", "-273.15", "1e-10", "0x1F", "a1b2c3", "v1.2.3", "2026-11-23", "14:15:33", "99%", "$5", "€7.50", "½", "²³", "Ⅷ", "①②③"],
  ["٠١٢٣٤٥", "१२३४", "一二三四", "１２３４", "1st 2nd 3rd", "007", "100 000", "1_000_000", "10²", "H₂O", "192.168.0.1", "1".repeat(50)],
].flat();

/** English, with what hangs on words. */
const ENGLISH = [
  ["Hello", " Hello", "hello", "HELLO", "Hello world", "Hello, world!", "Hello,world!", "The capital of France is Paris.", "the the the"],
  ["I'm", "I'M", "you're", "YOU'RE", "we've", "they'll", "she'd", "don't", "it's", "'s", "'S", "'t", "''", "' s", "'re'", "o'clock", "rock 'n' roll"],
  ["I’m", "“quoted”", '"quoted"', "—dash—", "a-b", "a - b", "e.g.", "...", "…", "?!", "Wait... what?!", "(a)", "[b]", "{c}", "<d>", "a/b", "a\\b"],
  ["antidisestablishmentarianism", "Supercalifragilisticexpialidocious", "camelCaseWord", "PascalCase", "snake_case", "SCREAMING_SNAKE", "iPhone"],
  ["USA", "McDonald", "HTTPServer", "aB", "Ab", "ABc", "aaaaaaaaaaaaaaaaaaaaaaaa", "AAAAAAAAAAAAAAAA", "xyzzyx qwrtp", "a", "A", "_", "__init__"],
].flat();

/** Other scripts and languages. */
const SCRIPTS = [
  ["你好", "你好，世界！", "中文和English混排123", "日本語のテキスト", "カタカナ", "ひらがな", "漢字かな交じり文です。", "안녕하세요", "한국어 텍스트", "ㄱㄴㄷ"],
  ["مرحبا بالعالم", "العَرَبِيَّة", "שלום עולם", "שָׁלוֹם", "Привет, мир!", "ПРИВЕТ", "Ёлка", "Γειά σου Κόσμε", "ΆΈΉ", "नमस्ते दुनिया", "हिन्दी", "বাংলা"],
  ["தமிழ்", "ไทย", "ภาษาไทย", "ភាសាខ្មែរ", "မြန်မာ", "ქართული", "Հայերեն", "አማርኛ", "Tiếng Việt", "Việt Nam", "Straße", "GROẞ", "naïve café", "Ñandú"],
  ["İstanbul ışık", "Łódź", "šđčćž", "ÅÄÖ åäö", "fiancée", "œuvre", "ﬁne", "ǅ", "ʰ", "ª º", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "𝟙𝟚𝟛", "𐐷", "𠜎", "ᏣᎳᎩ", "ⴰⵣⵓⵍ", "🄰", "ꙮ", "﷽"],
].flat();

/** Marks that combine, emoji, and halves of pairs. */
const MARKS = [
  ["e\u0301", "é", "a\u0308\u0323", "n\u0303o", "\u0301", " \u0301", "Z\u0351\u036b\u0343\u036a\u0302a\u0300\u0301l\u0334g\u0335o\u0336", "ก็", "क्ष", "ﷲ"],
  [LLAMA, ` ${LLAMA}`, LLAMA.repeat(5), `a${LLAMA}b`, FAMILY, FLAG, "👍🏽", "❤️", "☺", "☎️", "1️⃣", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🤷‍♀️", "😀😃😄", "text 😀 text", "\u{1f999}\u{fe0f}", "🫠", "🪿"],
  ["\ud83e", "\udd99", "a\ud800b", "\udc00\ud800", "x\ud83e\ud83e\udd99", "\uffff", "\ufffe", "\ufffd", "\u{10ffff}", "\u{e0001}", "\ue000", "\u0378", "\u0600"],
  ["→ ← ↑", "≤≥≠≈", "∑∫√∞", "∀x∈ℝ", "αβγ", "©®™", "°C", "µm", "§ 1", "¶", "•", "■□▲", "♠♥", "✓✗", "─│┌", "░▒▓", "№ 5", "½ cup", "¿Qué?", "¡Hola!", "«oui»"],
].flat();

/** Programs and data. */
const CODE = [
  "def f(x):\n    return x ** 2\n",
  "for (let i = 0; i < n; i++) {\n\tsum += a[i];\n}",
  'print(f"{name!r:>{width}}")',
  "if (a && !b || c) { return -1; } // why?",
  "SELECT * FROM t WHERE id = 'x' AND n >= 10;",
  '{"a": [1, 2.5, null, true], "b": {"c": "d\\n"}}',
  '<div class="x" id=\'y\'>text &amp; more</div>',
  "#include <stdio.h>\n\nint main(void) {\n\treturn 0;\n}\n",
  "git commit -m 'fix: off-by-one' && git push --force-with-lease",
  "https://example.org/path?q=1&r=a%20b#frag",
  "user.name+tag@example.co.uk",
  "C:\\Users\\me\\file.txt",
  "/usr/local/bin/python3.12",
  "$x = $y['key'] ?? 'default';",
  "fn main() -> Result<(), Box<dyn Error>> { Ok(()) }",
  "a=b+c*d/e-f%g^h|i&j~k",
  "`code` **bold** _it_ ~~no~~ # h1\n- item\n1. one\n> quote\n\n```js\nx\n```",
  "\\frac{a}{b} \\sum_{i=0}^{n} x_i^2",
  "!!!???...,,,;;;:::",
  "=== --- +++ *** ///",
  "=>", "!=", "::", "->", "/**/", "<!-- -->", "\\n", "%s %d %5.2f", "#!/bin/sh", "@decorator", "a[0][1]", "x?.y", "<<=", "==\n==", "};\n\n", ")\r\n(",
  "                deep indent", "\t\t\ttabs", "\n        x = 1\n        y = 2\n",
];

/** What reads like a special token of one family or another. */
const SPECIALS = [
  ["<s>", "</s>", "<unk>", "<s>a</s>", " <s> a </s> b", "a<s>b", "<s><s>", "<0x41>", "<0x0A>", "<|endoftext|>", "<|im_start|>user\nHi<|im_end|>\n"],
  ["<|im_start|>", "<|im_end|> x", "a <|im_end|>", "<|eot_id|>", "<|begin_of_text|>Hello", "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"],
  ["<|", "|>", "<|im_start", "<|not_a_token|>", "[INST] Hi [/INST]", "<<SYS>>\nx\n<</SYS>>", "▁", "▁a ▁b", "Ġ", "ĠHello", "Ċ", "<file_sep>", "<|reserved_special_token_0|>"],
].flat();

const LONG = [
  "The quick brown fox jumps over the lazy dog. ".repeat(5),
  "Once upon a time, there was a little llama named Cria. She lived on a high mountain, and every day she looked at the sea far below.",
  "На высокой горе жила маленькая лама. 高い山に小さなラマが住んでいました。 في أعلى الجبل عاشت لاما صغيرة.",
  "a".repeat(300),
  "ab".repeat(150),
  "你好".repeat(60),
  "\n".repeat(40),
  `${" ".repeat(63)}x`,
  "!".repeat(70),
  `${LLAMA}${FAMILY}${FLAG}`.repeat(6),
];

/** All of them. */
export const STRINGS: readonly string[] = [...SPACES, ...NUMBERS, ...ENGLISH, ...SCRIPTS, ...MARKS, ...CODE, ...SPECIALS, ...LONG];
