"""Loads studio.py and the scripts in dev/ the way they run: dev/ scripts see their neighbours."""

import importlib
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("dev.environment")


@pytest.fixture
def studio(environment):
    spec = importlib.util.spec_from_file_location("studio", ROOT / "studio.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "dev"))
    return importlib.import_module
