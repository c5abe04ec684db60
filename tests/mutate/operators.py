# SPDX-License-Identifier: ISC
"""The small changes that `mutate` makes to C sources, as text.

A Mutant is one change in one file.  It is known by its function and by its
lines before and after, not by a number, so that a list of them survives moves.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    path: str
    function: str
    was: str     # the lines that it touches, blanks folded
    became: str

    def __str__(self):
        return f"{self.path} {self.function}\n- {self.was}\n+ {self.became}\n"


@dataclass(frozen=True)
class Site:
    start: int
    end: int
    new: str
    operator: str


IGNORED = re.compile(r'/\*.*?\*/|//[^\n]*|^[ \t]*#(?:\\\n|[^\n])*'
                     r'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'',
                     re.S | re.M)

# What stands between blanks and becomes its neighbour.
SWAPS = {
    "relation": {"<": "<=", "<=": "<", ">": ">=", ">=": ">",
                 "==": "!=", "!=": "=="},
    "logic": {"&&": "||", "||": "&&"},
    "sum": {"+": "-", "-": "+", "+=": "-=", "-=": "+="},
}
WORDS = {"break;": "continue;", "continue;": "break;"}
ERROR_RETURN = re.compile(r"\breturn (-E[A-Z0-9]+|-errno|-1);")
# A larger array is no other program.
DECLARED_SIZE = re.compile(r"^\s+(?!return)(?:\w+ )+\**\w+\[", re.M)


def masked(text):
    """The text with nothing in comments, strings and #lines, as long as it was."""
    return IGNORED.sub(lambda m: re.sub(r"[^\n]", "_" if m[0][0] in "\"'" else " ",
                                        m[0]), text)


def closing(code, at):
    """Behind the parenthesis that closes the one at `at`."""
    depth = 0
    for i in range(at, len(code)):
        depth += {"(": 1, ")": -1}.get(code[i], 0)
        if depth == 0:
            return i + 1
    return None


def sites(text):
    """Every change that could be made to the text."""
    code = masked(text)
    for operator, swap in SWAPS.items():
        for m in re.finditer(r"(?<=\s)[-+<>=!&|]{1,2}(?=\s)", code):
            if m[0] in swap:
                yield Site(m.start(), m.end(), swap[m[0]], operator)
    for m in re.finditer(r"\b(?:break|continue);", code):
        yield Site(m.start(), m.end(), WORDS[m[0]], "jump")
    for m in re.finditer(r"(?<![\w.])(?:0|[1-9]\d*)(?=[UL]*\b)(?!\.)", code):
        line = code.rfind("\n", 0, m.start()) + 1
        if not DECLARED_SIZE.match(code, line):
            yield Site(m.start(), m.end(), str(int(m[0]) + 1), "constant")
    for m in ERROR_RETURN.finditer(code):
        yield Site(m.start(), m.end(), "return 0;", "error")
    for m in re.finditer(r"\b(?:if|while) (?=\()", code):
        end = closing(code, m.end())
        if end:
            yield Site(m.end(), end, f"(!{text[m.end():end]})", "condition")
    for m in re.finditer(r"^\t+((?:\(void\))?[a-z]\w*(?:(?:->|\.)\w+)*)(?=\()", code, re.M):
        end = closing(code, m.end())
        if end and code[end:end + 1] == ";":
            lines = "\n" * code.count("\n", m.start(1), end)
            yield Site(m.start(1), end, lines, "call")


def function_at(text, at):
    """The function that this place is in, or "-"."""
    name = "-"
    for m in re.finditer(r"^(?:(\w+)\(|\})", text[:at], re.M):
        name = m[1] or "-"
    return name


def mutant(path, text, site):
    start = text.rfind("\n", 0, site.start) + 1
    end = (text + "\n").find("\n", site.end)
    fold = lambda s: " ".join(s.split())
    return Mutant(path, function_at(text, site.start), fold(text[start:end]),
                  fold(text[start:site.start] + site.new + text[site.end:end]))


def mutated(text, site):
    return text[:site.start] + site.new + text[site.end:]


def parse(lines):
    """Mutants as printed above, with what is written below each of them."""
    found = {}
    paragraphs = re.split(r"\n\s*\n", "\n".join(
        l for l in lines.splitlines() if not l.startswith("#")))
    for p in filter(None, map(str.strip, paragraphs)):
        head, was, became, *why = p.split("\n")
        path, function = head.split()[:2]
        if not (was.startswith("- ") and became.startswith("+ ")):
            raise ValueError(f"no \"-\" and \"+\" line below \"{head}\"")
        found[Mutant(path, function, was[2:], became[2:])] = " ".join(why)
    return found
