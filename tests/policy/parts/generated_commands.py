"""Made-up shell texts: from a grammar, with words spelled in the ways that bash knows, and then damaged."""

from __future__ import annotations

import random

NAMES = ["ls", "cat", "git", "rm", "echo", "curl", "find", "a", "b", "grep"]
ARGUMENTS = ["status", "log", "-rf", "-r", "-f", "/", "src", "a b", "x;rm", "$(rm -rf /)", "--force", "--output=x"]
ARGUMENTS += ["it's", "é", "*", "#x", "~", "", "\\", "{a,b}", "a=b", "!x", "-c", "-5", "never run rm -rf", "`rm x`"]
WRAPPERS = ["env ", "env X=1 ", "timeout 5 ", "nohup ", "nice -n 3 ", "xargs ", "setsid ", "time ", "command ", "exec "]
WRAPPERS += ["X=1 ", "! ", "coproc ", "eval ", "builtin ", "stdbuf -oL "]
JOINTS = [" && ", " || ", "; ", " | ", "\n", " & ", ";", "&&", "|", " |& "]
REDIRECTS = [
    " > out",
    " 2>&1",
    " < a",
    " >> out",
    " &> out",
    " 2>/dev/null",
    " > /etc/passwd",
    " >out x",
    " >|o",
    " <<< hi",
]
DAMAGE = "'\"\\$`(){}[];&|<>#!~*?= \t\n-=rmls,:@^%+0é\r"


def quoted(chance: random.Random, word: str) -> str:
    """A word in one of its spellings."""
    style = chance.randrange(6)
    if style == 0 or not word:
        return "'" + word.replace("'", "'\\''") + "'"
    if style == 1:
        return '"' + "".join("\\" + letter if letter in '$`"\\' else letter for letter in word) + '"'
    if style == 2:
        return "$'" + "".join("\\" + letter if letter in "'\\" else letter for letter in word) + "'"
    if style == 3:
        return "".join("\\" + letter if not letter.isalnum() or chance.random() < 0.3 else letter for letter in word)
    if style == 4:
        at = chance.randrange(len(word))
        return quoted(chance, word[:at]) + quoted(chance, word[at:])
    return "".join("\\" + letter if not letter.isalnum() and letter not in "-/=." else letter for letter in word)


def argv(chance: random.Random) -> list[str]:
    """The words of a command."""
    return [chance.choice(NAMES), *(chance.choice(ARGUMENTS) for _ in range(chance.randrange(4)))]


def simple(chance: random.Random) -> str:
    """A simple command."""
    name, *words = argv(chance)
    spelled = [name if chance.random() < 0.6 else quoted(chance, name)]
    spelled += [word if chance.random() < 0.3 else quoted(chance, word) for word in words]
    text = chance.choice([" ", " ", "  ", "\t", " \\\n "]).join(spelled)
    while chance.random() < 0.2:
        text = chance.choice(WRAPPERS) + text
    while chance.random() < 0.15:
        text += chance.choice(REDIRECTS)
    return text


def text(chance: random.Random, depth: int = 0) -> str:  # noqa: C901 - one case for each kind of text
    """A whole text."""
    kind = chance.randrange(14) if depth < 3 else 0
    inner = simple(chance) if kind < 4 or depth >= 3 else text(chance, depth + 1)
    match kind:
        case 4:
            return inner + chance.choice(JOINTS) + text(chance, depth + 1)
        case 5:
            return f"( {inner} )" if chance.random() < 0.5 else f"{{ {inner}; }}"
        case 6:
            return f"bash -c {quoted(chance, inner)}"
        case 7:
            return f'{chance.choice(NAMES)} "$({inner})"' if chance.random() < 0.5 else f"echo $({inner})"
        case 8:
            return f"if {inner}; then {simple(chance)}; else {simple(chance)}; fi"
        case 9:
            return f"for x in a b; do {inner}; done"
        case 10:
            delimiter = chance.choice(["EOF", "'EOF'", '"EOF"'])
            return f"{simple(chance)} <<{delimiter}\n{inner}\nEOF\n{simple(chance)}"
        case 11:
            return f"{inner} # {simple(chance)}"
        case 12:
            return f"f() {{ {inner}; }}; {chance.choice(['f', 'ls', 'f x'])}"
        case 13:
            return f"case a in a) {inner};; *) {simple(chance)};; esac"
        case _:
            return inner + (chance.choice(JOINTS) + simple(chance) if chance.random() < 0.5 else "")


def damaged(chance: random.Random, whole: str) -> str:
    """The text with some signs lost, added or doubled."""
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(whole) + 1)
        match chance.randrange(3):
            case 0:
                whole = whole[:at] + chance.choice(DAMAGE) + whole[at:]
            case 1:
                whole = whole[:at] + whole[at + 1 :]
            case _:
                end = min(len(whole), at + chance.randrange(1, 8))
                whole = whole[:end] + whole[at:end] + whole[end:]
    return whole


def many(seed: int, number: int) -> list[str]:
    """So many texts, about half of them damaged."""
    chance = random.Random(seed)
    found = []
    for _ in range(number):
        made = text(chance)
        found.append(damaged(chance, made) if chance.random() < 0.5 else made)
    return [one for one in found if "\0" not in one]
