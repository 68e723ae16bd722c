"""The shape of the code that the project holds itself to, read from the source."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("nodes", "models", "sampling", "video", "training", "drawing")
PACK = [ROOT / "__init__.py", *(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))]
OURS = [*PACK, ROOT / "studio.py", *(ROOT / "dev").glob("*.py"), *(ROOT / "tests").rglob("*.py")]

FORBIDDEN = {
    "broad except": r"except( Exception| BaseException)?:",
    "print": r"(?<![\w.])print\(",
    "search path": r"sys\.path",
    "wildcard import": r"import \*",
    "assignment into ComfyUI": r"^\s*(comfy|nodes|folder_paths)\.[\w.]+\s*=[^=]",
    "global seed": r"torch\.manual_seed|np\.random\.seed|random\.seed\(",
    "pickle": r"torch\.load\((?!.*weights_only=True)",
}


def functions(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(node):
    """Lines of the body without its docstring."""
    body = node.body
    if ast.get_docstring(node) is not None:
        body = body[1:]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("file", OURS, ids=lambda f: str(f.relative_to(ROOT)))
def test_a_file_has_300_lines_at_most(file):
    assert len(file.read_text().splitlines()) <= 300


@pytest.mark.parametrize("file", PACK, ids=lambda f: str(f.relative_to(ROOT)))
def test_a_function_has_40_lines_at_most(file):
    too_long = {
        node.name: body_lines(node)
        for node in functions(file)
        if body_lines(node) > 40 and node.name != "define_schema"  # a list, not a procedure
    }
    assert not too_long


@pytest.mark.parametrize("file", list((ROOT / "nodes").glob("*.py")), ids=lambda f: f.name)
def test_execute_only_hands_over(file):
    too_long = [
        node.name for node in functions(file) if node.name == "execute" and body_lines(node) > 15
    ]
    assert not too_long


@pytest.mark.parametrize("file", PACK, ids=lambda f: str(f.relative_to(ROOT)))
@pytest.mark.parametrize("pattern", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_the_pack_has_no(file, pattern):
    assert not re.findall(pattern, file.read_text(), re.MULTILINE)


def test_the_root_imports_nothing_at_module_level():
    tree = ast.parse((ROOT / "__init__.py").read_text())
    assert not [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
