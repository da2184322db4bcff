# The built-in model's tokenizer: byte-pair encoding with byte fallback, written into the GGUF as LLaMA's own kind ("llama"): a piece's
# score says how early it was merged. Pieces never reach over the border of a word, so that merging by score gives the same pieces.
import re
from collections import Counter

SPACE = "\u2581"  # stands for a space in a piece
SPECIAL = ["<unk>", "<s>", "<|im_end|>", "<|im_start|>"]
UNKNOWN, BEGIN, END = 0, 1, 2
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
WORD = re.compile(r" ?[^\W\d_]+(?:'[a-z]+)?| ?\d| ?[^\w\s]|[\s_]")
MARK = re.compile("|".join(re.escape(mark) for mark in SPECIAL[2:]))


class Tokenizer:
    """pieces [vocab] in the order of their ids: special ones, bytes, characters, then merged pieces, the earliest first."""

    def __init__(self, pieces):
        self.pieces = pieces
        self.ids = {piece: i for i, piece in enumerate(pieces)}
        self.words = {}

    def encode(self, text):
        """Ids of a text, special tokens where their names stand; without the token of the beginning."""
        ids, at = [], 0
        for mark in MARK.finditer(text):
            ids += self.encode_plain(text[at:mark.start()])
            ids.append(self.ids[mark.group()])
            at = mark.end()
        return ids + self.encode_plain(text[at:])

    def encode_plain(self, text):
        return [token for word in WORD.findall(text) for token in self.encode_word(word)]

    def encode_word(self, word):
        if word not in self.words:
            symbols = list(word.replace(" ", SPACE))
            while True:
                pairs = [self.ids.get(left + right, len(self.ids)) for left, right in zip(symbols, symbols[1:])]
                if not pairs or min(pairs) == len(self.ids):
                    break
                i = pairs.index(min(pairs))
                symbols[i:i + 2] = [symbols[i] + symbols[i + 1]]
            self.words[word] = [token for symbol in symbols for token in self.encode_symbol(symbol)]
        return self.words[word]

    def encode_symbol(self, symbol):
        return [self.ids[symbol]] if symbol in self.ids else [self.ids[BYTES[byte]] for byte in symbol.encode()]

    def scores(self):
        first = len(SPECIAL) + len(BYTES)
        return [0.0] * first + [-float(i) for i in range(len(self.pieces) - first)]

    def types(self):
        """As llama.cpp numbers them: 1 normal, 2 unknown, 3 control, 6 byte."""
        return [2, 3, 3, 3] + [6] * 256 + [1] * (len(self.pieces) - 260)


def train(texts, vocab):
    """The tokenizer with `vocab` pieces that texts give. Ties go to the pair that sorts first."""
    counts = Counter(word.replace(" ", SPACE) for text in texts for word in WORD.findall(MARK.sub("\n", text)))
    counts = {word: count for word, count in counts.items() if word != "\n"}
    characters = sorted({character for word in counts for character in word})
    pieces = SPECIAL + BYTES + characters
    words = {word: list(word) for word in counts}
    while len(pieces) < vocab:
        pairs = Counter()
        for word, symbols in words.items():
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += counts[word]
        if not pairs:
            break
        left, right = min(pairs, key=lambda pair: (-pairs[pair], pair))
        pieces.append(left + right)
        for symbols in words.values():
            i = 0
            while i < len(symbols) - 1:
                if symbols[i] == left and symbols[i + 1] == right:
                    symbols[i:i + 2] = [left + right]
                i += 1
    return Tokenizer(pieces)
