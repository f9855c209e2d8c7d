# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lexical rules of each dialect: strings, quoted names, comments.

Everything here works on offsets of the whole script, copies nothing, and never guesses: text whose end depends on the
reading of the dialect raises C(Unreadable).
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption

STRING, NAME, COMMENT, WORD, MARK = "string", "name", "comment", "word", "mark"


class Unreadable(Exception):
    """From here on, the text can't be read for certain.

    :ivar what: the problem, without its position
    :ivar at: the offset of the cause
    :ivar hint: the remedy for the author of the script
    """

    def __init__(self, what: str, at: int, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.at = at
        self.hint = hint


class Token(t.NamedTuple):
    """A piece of text that is not white space.

    :ivar kind: C(STRING), C(NAME) (quoted), C(COMMENT), C(WORD), or C(MARK) for anything else
    """

    kind: str
    start: int
    end: int


@dataclasses.dataclass(frozen=True)
class Quote:
    """A pair of quotes.

    :ivar kind: C(STRING) or C(NAME)
    :ivar called: its description in messages
    :ivar inside: matches, in the text after the opening quote, either the closing quote or an escape
    """

    kind: str
    called: str
    inside: re.Pattern[str]


@dataclasses.dataclass(frozen=True)
class Dialect:
    """The lexical rules of one platform.

    :ivar quotes: by their character
    :ivar signs: matches everything that can open or end something; each alternative starts with a literal, which lets
        the regular expression engine skip other text at the speed of a character search
    :ivar keywords: C(signs), parentheses, and the words that matter in the middle of a statement of a block
    :ivar tokens: C(signs), words, numbers and marks
    :ivar whole: the quotes for which a match longer than one character is the whole literal
    :ivar folds_names: whether the platform keeps names without quotes in upper case
    :ivar nested_comments: whether block comments nest
    :ivar hints: whether a comment that begins with C(/*+) means something
    :ivar line_continuation: whether a backslash may continue a line comment
    :ivar raw_strings: whether C(r'...') takes no escapes
    """

    name: str
    quotes: dict[str, Quote]
    signs: re.Pattern[str]
    keywords: re.Pattern[str]
    tokens: re.Pattern[str]
    whole: frozenset[str]
    folds_names: bool
    nested_comments: bool
    hints: bool
    line_continuation: bool
    raw_strings: bool

    def skip(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        """Return the kind of the token that starts at a match of C(signs) or C(tokens), and the offset after it.

        :raises Unreadable: it is left open or ambiguous
        """
        start, end = match.span()
        sign = text[start]
        if sign == "_" or sign.isalpha():
            return WORD, end
        quote = self.quotes.get(sign)
        if quote is not None:
            return quote.kind, self._close(text, quote, start, end)
        if end - start == 1:
            if sign == "`":
                raise Unreadable("A name is quoted with backticks", start, "Snowflake quotes names with double quotes.")
            return MARK, end
        if sign in "-/":
            return COMMENT, self._comment(text, start, end)
        if sign == "$":
            return self._dollar(text, start, end)
        if sign == "*":
            raise Unreadable("Unexpected end of a comment (*/)", start, "Remove the */, or open the comment.")
        if sign == "&":
            raise Unreadable("Client variable (&name)", start, "Write its value into the script.")
        if sign in "{<#":
            raise _placeholder(start)
        if sign == "!" and _begins_line(text, start):
            raise Unreadable("Client command (!name)", start, "Remove it: it is not SQL.")
        return MARK, end

    def _close(self, text: str, quote: Quote, start: int, end: int) -> int:
        sign = text[start]
        if self.raw_strings and quote.kind == STRING and _is_raw(text, start):
            end = text.find(sign, start + 1) + 1
            if end and text.startswith(sign, end):
                raise Unreadable("A raw string touches another string", start, "Put a space between the two.")
            if end:
                return end
        elif end - start > 1:
            return end
        else:
            for inner in quote.inside.finditer(text, end):
                if inner.group() == sign:
                    return inner.end()
        raise Unreadable(f"{quote.called} is not closed; it was opened", start, f"Close it with {sign}.")

    def _dollar(self, text: str, start: int, end: int) -> tuple[str, int]:
        glued = start > 0 and _is_wordlike(text[start - 1])
        if text[end - 1] == "{" or (text[end - 1] == "(" and not glued):
            raise _placeholder(start)
        if text[end - 1] != "$":
            return MARK, start + 1 if text[end - 1] == "(" else end
        if end - start > 2:
            if glued:
                return MARK, start + 1
            raise Unreadable("A string is quoted with $tag$", start, "Quote it with $$.")
        if glued:
            raise Unreadable("A name runs into $$", start, "Put a space before the $$.")
        close = text.find("$$", end)
        if close < 0:
            raise Unreadable("A string in $$ is not closed; it was opened", start, "Close it with $$.")
        return STRING, close + 2

    def _comment(self, text: str, start: int, end: int) -> int:
        if _ends_in_path(text, start):
            raise Unreadable("A path without quotes contains a comment sign", start, "Put the path into quotes.")
        if text[start + 1] == "*":
            return self._block_comment(text, start, end)
        if text.startswith("\r", end) and not text.startswith("\r\n", end):
            raise Unreadable("A comment ends in a lone carriage return", end, "End lines with LF or CR LF.")
        if self.line_continuation and text[end - 1] == "\\" and end < len(text):
            raise Unreadable("A comment ends in a backslash, which may continue it", end - 1, "Remove the backslash.")
        return end

    def _block_comment(self, text: str, start: int, end: int) -> int:
        if not self.nested_comments:
            close = text.find("*/", end)
            if close >= 0:
                return close + 2
            raise _open_comment(start)
        hint = self.hints and text.startswith("+", end)
        depth = 1
        for inner in COMMENT_SIGN.finditer(text, end):
            if inner.group() == "*/":
                depth -= 1
                if depth == 0:
                    if hint and _NOT_IN_HINT.search(text, end, inner.start()):
                        raise Unreadable("A hint (/*+) contains quotes, ; or --", start, "Remove the hint.")
                    return inner.end()
            elif hint or (self.hints and text.startswith("+", inner.end())):
                raise Unreadable("A comment is opened inside a comment", inner.start(), "Remove the inner sign.")
            else:
                depth += 1
        raise _open_comment(start)

    def read(self, text: str, start: int = 0, end: int | None = None) -> t.Iterator[Token]:
        """Yield the tokens of a part of a text, comments included.

        :raises Unreadable: when it is reached
        """
        stop = len(text) if end is None else end
        position = start
        while True:
            match = self.tokens.search(text, position, stop)
            if match is None:
                return
            kind, position = self.skip(text, match)
            yield Token(kind, match.start(), position)

    def value(self, text: str, token: Token) -> str:
        """Return the value of a string or a name, without quotes and escapes, in the case that the platform keeps."""
        raw = text[token.start : token.end]
        if token.kind == WORD:
            return raw.upper() if self.folds_names else raw
        if raw.startswith("$$"):
            return raw[2:-2]
        sign, inner = raw[0], raw[1:-1]
        if token.kind == NAME:
            return inner.replace(sign + sign, sign)
        if self.raw_strings and _is_raw(text, token.start):
            return inner
        return _ESCAPE.sub(_unescape, inner)


def keyword(word: str) -> str:
    """Return a word for comparison with keywords; only ASCII letters are folded."""
    return word.upper() if word.isascii() else word


def dialect_named(name: str) -> Dialect:
    """Return the dialect with a name.

    :raises InvalidOption: there is none
    """
    try:
        return _DIALECTS[name]
    except KeyError:
        raise InvalidOption(
            f"There is no SQL dialect {name}.", hint=f"Use one of {', '.join(sorted(_DIALECTS))}."
        ) from None


def _open_comment(at: int) -> Unreadable:
    return Unreadable("A comment is not closed; it was opened", at, "Close it with */.")


def _placeholder(at: int) -> Unreadable:
    return Unreadable("Placeholder that was not filled in", at, "Write its value into the script.")


def _is_wordlike(character: str) -> bool:
    return character.isalnum() or character in "_$"


def _begins_line(text: str, start: int) -> bool:
    """Return whether only blanks precede C(start) in its line; reads only those."""
    while start and text[start - 1] != "\n" and text[start - 1].isspace():
        start -= 1
    return start == 0 or text[start - 1] == "\n"


def _is_raw(text: str, start: int) -> bool:
    """Return whether the quote at C(start) follows an r that is not part of a longer word."""
    return start > 0 and text[start - 1] in "rR" and not (start > 1 and _is_wordlike(text[start - 2]))


def _ends_in_path(text: str, sign: int) -> bool:
    """Return whether the comment sign at C(sign) touches a stage path or a URI without quotes."""
    start = sign
    while start and not (text[start - 1].isspace() or text[start - 1] in ";,()'\"`*"):
        start -= 1
    path = text[start:sign]
    # The path continues after a quoted stage.
    goes_on = path.startswith("/") and start > 0 and text[start - 1] == '"'
    return bool(path) and (goes_on or "@" in path or "://" in text[start : sign + 2])


def _unescape(match: re.Match[str]) -> str:
    found = match.group()
    if found[0] != "\\":
        return found[0]
    if len(found) > 2:
        return chr(int(found[2:], 16)) if found[1] in "xu" else chr(int(found[1:], 8))
    if found[1] in "%_":
        return found
    return _ESCAPES.get(found[1], found[1])


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}
_ESCAPE = re.compile(r"\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\[0-7]{3}|\\.|''|\"\"", re.DOTALL)
COMMENT_SIGN = re.compile(r"/\*|\*/")
_NOT_IN_HINT = re.compile(r"['\"`;]|--")

# For each quote, the first alternative matches a literal without escapes, the second only the start of a literal.
_SIGNS = r";|'[^'\\]*'(?!')|'|--[^\r\n]*|/\*|\*/(?!\*)|\$\$|\$[A-Za-z_]\w*\$|\$[{(]|\{(?:[{%#]|\s*\w+\s*\})|<%|#\{"
_SNOWFLAKE = _SIGNS + r"|\"[^\"]*\"(?!\")|\"|//[^\r\n]*|`|&[\w{]|![A-Za-z]|<[A-Za-z_]\w*>"
_DATABRICKS = _SIGNS + r"|\"[^\"\\]*\"(?!\")|\"|`[^`]*`(?!`)|`"
# The initials make the search twice as fast; that they admit a few more words is harmless.
_KEYWORDS = r"\b[ABCDEHLRTabcdehlrt](?i:ction|s|egin|ase|eclare|o|lse|lseif|nd|andler|oop|eturn|hen)\b|[()]|"
_OTHERS = r"|[^\W\d]\w*(?:\$\w+)*|\$\w+|\d[\w.]*|\S"

_DIALECTS = {
    "snowflake": Dialect(
        name="snowflake",
        quotes={
            "'": Quote(STRING, "A string", re.compile(r"\\.|''|'", re.DOTALL)),
            '"': Quote(NAME, "A quoted name", re.compile(r"\"\"|\"")),
        },
        signs=re.compile(_SNOWFLAKE),
        keywords=re.compile(_KEYWORDS + _SNOWFLAKE),
        tokens=re.compile(_SNOWFLAKE + _OTHERS),
        whole=frozenset("'\""),
        folds_names=True,
        nested_comments=False,
        hints=False,
        line_continuation=False,
        raw_strings=False,
    ),
    "databricks": Dialect(
        name="databricks",
        quotes={
            "'": Quote(STRING, "A string", re.compile(r"\\.|''|'", re.DOTALL)),
            '"': Quote(STRING, "A string", re.compile(r"\\.|\"\"|\"", re.DOTALL)),
            "`": Quote(NAME, "A quoted name", re.compile(r"``|`")),
        },
        signs=re.compile(_DATABRICKS),
        keywords=re.compile(_KEYWORDS + _DATABRICKS),
        tokens=re.compile(_DATABRICKS + _OTHERS),
        whole=frozenset("`"),
        folds_names=False,
        nested_comments=True,
        hints=True,
        line_continuation=True,
        raw_strings=True,
    ),
}
