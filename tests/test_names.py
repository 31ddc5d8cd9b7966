"""Checks that the documents name nothing that is not there: identifiers of the public headers, and files that are linked to.

usage: test_names.py SOURCE_ROOT; prints TAP
"""

import pathlib
import re
import sys

# Names that are not the headers': the meson variable of the dependency and the environment of script/test.
OTHERS = {"movex_dependency", "MOVEX_TEST_LONG", "MOVEX_TEST_SEED"}


def public_names(root):
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((root / "include/movex").glob("*.h")))
    names = set(re.findall(r"\b(?:movex|MOVEX)_\w+", text))
    # The statuses and refusals are made by the preprocessor from X(NAME, value, text).
    return names | {"MOVEX_" + name for name in re.findall(r"\bX\((\w+), -?\d+, ", text)}


def has_all_numbers(root):
    """docs/wire.md lists every status and refusal with its number and its text."""
    document = (root / "docs/wire.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (-?\d+) \| MOVEX_(\w+) \| (.*) \|$", document, re.MULTILINE)
    header = (root / "include/movex/status.h").read_text(encoding="utf-8")
    made = re.findall(r'\bX\((\w+), (-?\d+), +"(.*)"\)', header)
    return len(made) > 20 and listed == [(number.lstrip("-") if name.startswith("ERR_") else number, name, text)
                                         for name, number, text in made]


def unknown_names(text, known):
    # A name that ends in _ or stands before ... or * means all that begin so.
    for name, more in re.findall(r"\b((?:movex|MOVEX)_\w*)(\.\.\.|\*)?", text):
        if more or name.endswith("_"):
            if not any(other.startswith(name) for other in known):
                yield name + more
        elif name not in known:
            yield name


def broken_links(text, folder):
    text = re.sub(r"^```.*?^```$|^    [^\n]*$|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path = target.split("#")[0]
        if path and "://" not in path and not (folder / path).exists():
            yield target


def main():
    root = pathlib.Path(sys.argv[1])
    known = public_names(root) | OTHERS
    documents = [root / "README.md", root / "CONTRIBUTING.md", root / "CHANGELOG.md", *sorted((root / "docs").rglob("*.md"))]
    index = (root / "docs/README.md").read_text(encoding="utf-8")
    checks = [("the headers have names", len(known) > 200),
              ("docs/wire.md lists all statuses and refusals as status.h has them", has_all_numbers(root))]
    for document in documents:
        text = document.read_text(encoding="utf-8")
        name = document.relative_to(root)
        unknown, broken = sorted(set(unknown_names(text, known))), sorted(set(broken_links(text, document.parent)))
        if name.name != "CONTRIBUTING.md":  # which speaks of what is inside as well
            checks.append((f"{name} names what is there {' '.join(unknown)}", not unknown))
        checks.append((f"{name} links to what is there {' '.join(broken)}", not broken))
        if name.parts[0] == "docs" and name.name != "README.md":
            checks.append((f"{name} stands in docs/README.md", f"({name.relative_to('docs')})" in index))
    print(f"1..{len(checks)}")
    for number, (name, good) in enumerate(checks, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {name.strip()}")
    return 0 if all(good for _, good in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
