"""A tokenizer in a file of your own: it takes the longest match in a word list, here for Chinese.

Run it with `python examples/own_tokenizer.py`, or train a tagger with it:

    rnner train --config my.yaml --code examples/own_tokenizer.py --set text.tokenizer=longest_word

The model stores only the name `longest_word`, so pass the same --code to `rnner predict`. A wrapper for
jieba, PyThaiNLP or MeCab is just as short: it returns the words of a text in order.
"""

from rnner.text.tokenizer import find_tokenizer, register_tokenizer

WORDS = {"北京", "大学", "北京大学", "教授", "工作", "王小明"}
LONGEST = max(map(len, WORDS))


@register_tokenizer("longest_word")
def split(text: str) -> list[str]:
    """Return the words of a text; a character that does not begin a listed word is its own word."""
    words, start = [], 0
    while start < len(text):
        pieces = (text[start : start + length] for length in range(LONGEST, 1, -1))
        words.append(next((piece for piece in pieces if piece in WORDS), text[start]))
        start += len(words[-1])
    return words


def main() -> None:
    """Split a sentence."""
    tokens = find_tokenizer("longest_word")("王小明在北京大学工作。")
    print(" ".join(token.text for token in tokens))


if __name__ == "__main__":
    main()
