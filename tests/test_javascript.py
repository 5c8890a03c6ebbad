"""The page's JavaScript: its pure parts by themselves, and how modules become one script."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from fastapi_echochat.page.assets import join_modules
from tests.apps import make_client
from tests.servers import find_program

ROOT = Path(__file__).parents[1]
STATIC = ROOT / "fastapi_echochat" / "static"
SCRIPTS = [
    "chat.js",
    "shared.js",
    "private.js",
    "widget.js",
    "markdown.js",
    "text.js",
    "controls.js",
]


def script(name: str) -> str:
    return make_client().get(f"/chat?asset={name}").text


def test_pure_parts() -> None:
    """What needs no page does what its own tests say."""
    files = sorted((ROOT / "tests" / "javascript").glob("*.test.js"))

    # Of one process: `--test` would start one for each file.
    imports = "".join(f"import {json.dumps(file.as_uri())};" for file in files)
    command = [find_program("node"), "--input-type=module", "--eval", imports]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout
    assert re.search(r"^\W*pass [1-9]", ran.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", SCRIPTS)
def test_joined_script_is_a_script(tmp_path: Path, name: str) -> None:
    """What is joined is valid in strict mode, as a classic script and not only as a module."""
    path = tmp_path / "joined.cjs"
    path.write_text(script(name), encoding="utf-8")

    ran = subprocess.run(
        [find_program("node"), "--check", path], capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("name", SCRIPTS)
def test_texts_stay_as_they_are(name: str) -> None:
    """What only people read is left out, and no text of a script is changed."""
    sources = {path.name: path.read_text(encoding="utf-8") for path in STATIC.glob("*.js")}
    joined = script(name)
    used = [name]
    for module in used:
        used += set(re.findall(r' from "\./(.*)";', sources[module])) - set(used)

    texts = {
        text
        for module in used
        for line in sources[module].splitlines()
        if not line.lstrip().startswith(("//", "import "))
        for text in re.findall(r'"[^"]*"|`[^`]*`', line)
    }

    # What makes links has seventeen.
    assert len(texts) > (15 if name == "text.js" else 20)
    assert {text for text in texts if text not in joined} == set()


def test_every_module_is_used() -> None:
    """No file lies in the folder that no page asks for."""
    sources = {path.name: path.read_text(encoding="utf-8") for path in STATIC.glob("*.js")}

    imported = {name for text in sources.values() for name in re.findall(r'"\./(.*\.js)"', text)}

    assert set(sources) == imported | set(SCRIPTS)


def test_modules_are_joined_in_the_order_of_their_imports() -> None:
    """A module stands once, before all that import it, without what makes it a module."""
    joined = join_modules(
        "page.js",
        {
            "page.js": 'import { a } from "./a.js";\nimport { b } from "./b.js";\nrun(a, b);\n',
            "a.js": 'import { b } from "./b.js";\n// Twice b.\nexport const a = 2 * b;\n',
            "b.js": "export const b = 1;\nfunction hidden() {}\n",
        },
    )

    assert joined == (
        '(() => {\n"use strict";\nconst b=1;function hidden(){}const a=2*b;run(a,b);\n})();\n'
    )


IMPORT_A = 'import { a } from "./a.js";\n'
IMPORT_B = 'import { b } from "./b.js";\n'
NOT_JOINED = "page.js has a form that is not joined"


@pytest.mark.parametrize(
    ("page", "others", "sentence"),
    [
        (IMPORT_A, {}, "page.js imports a.js, which does not exist"),
        (IMPORT_A, {"a.js": "const a = 1;\n"}, "a.js does not export a, which page.js imports"),
        (
            IMPORT_A,
            {
                "a.js": f"{IMPORT_B}export const a = 1;\n",
                "b.js": f"{IMPORT_A}export const b = 1;\n",
            },
            "modules import each other: page.js -> a.js -> b.js -> a.js",
        ),
        (
            f"{IMPORT_A}function hidden() {{}}\n",
            {"a.js": "export const a = 1;\nclass hidden {}\n"},
            "a.js and page.js both declare hidden; rename one",
        ),
        (
            "const { a, b } = window;\n",
            {},
            "page.js declares several names at once; declare one per line",
        ),
        ('import * as a from "./a.js";\n', {}, f'{NOT_JOINED}: import * as a from "./a.js";'),
        ("export default 1;\n", {}, f"{NOT_JOINED}: export default 1;"),
        ('if (true) await import("./a.js");\n', {}, f'{NOT_JOINED}: import("./a.js");'),
    ],
)
def test_modules_that_cannot_be_joined(page: str, others: dict[str, str], sentence: str) -> None:
    """A module that would not work in a joined script is refused, in one sentence."""
    with pytest.raises(ValueError, match=re.escape(sentence)):
        join_modules("page.js", {"page.js": page, **others})
