"""dev/train_lora.py: a configuration that is read strictly, and a run that Ctrl-C does not lose."""

from __future__ import annotations

import json
import logging
import os
import signal

import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.comfy

CONFIG = """
[model]
precision = "fp32"
[clips]
folder = "films"
frames = 3
width = 64
height = 64
[train]
steps = 4
rank = 2
branch = "both"
validate_every = 2
[output]
folder = "out"
format = "peft"
licence = "Only for friends."
"""


@pytest.fixture
def config(core, script):
    return script("lora_config")


@pytest.fixture
def command(core, script, mini, monkeypatch):
    """The script, with svd-mini at hand, and signals and logs as they were afterwards."""
    module = script("train_lora")
    monkeypatch.setattr(module, "load_svd", lambda *_: mini)
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield module
    for number, handler in before.items():
        signal.signal(number, handler)
    module.comfy.utils.set_progress_bar_enabled(True)
    module.management.interrupt_current_processing(False)


@pytest.fixture
def file(tmp_path):
    """A configuration beside two films of pictures."""
    for film in range(2):
        folder = tmp_path / "films" / f"film {film}"
        folder.mkdir(parents=True)
        for time in range(3):
            y, x = np.mgrid[0:64, 0:64]
            red = np.sin((x + 5 * time + 20 * film) / 9) * 80 + 120
            picture = np.stack([red, y * 3, (x + y) % 255], -1).astype(np.uint8)
            cv2.imwrite(str(folder / f"{time}.png"), picture)
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    return path


def test_what_is_not_said_is_the_default(config, file):
    from svd_studio.training.lora.layers import Branch
    from svd_studio.training.lora.recipe import LoraRecipe

    read = config.read_config(file)
    assert read.recipe.alpha == 2.0
    assert read.recipe.branch is Branch.BOTH
    assert read.recipe.precision == "auto"
    assert read.recipe.learning_rate == LoraRecipe.learning_rate
    assert read.folder == file.parent / "out"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("stepz = 5", r"Unknown key stepz in \[train\]; known: steps, rank"),
        ("optimiser = 'x'", "Unknown key optimiser"),
        ("batch_size = '1'", r"\[train\] batch_size is '1': expected int"),
        ("checkpointing = 1", "expected bool"),
        ("seed = true", "expected int"),
        ("depth = 'deep'", "choose attention, transformer"),
        ("accumulation = 0", "accumulation is 0"),
        ("x = [", "cannot be read"),
        ("[more]", r"Unknown section more .*; known: model, clips, train, output"),
    ],
)
def test_what_cannot_be_meant_is_refused(config, file, change, words):
    file.write_text(CONFIG.replace("[output]", f"{change}\n[output]"))
    with pytest.raises(ValueError, match=words):
        config.read_config(file)


def test_all_that_can_be_said_is_a_configuration(config, tmp_path):
    path = tmp_path / "all.toml"
    said = config.options().replace("folder = ''", 'folder = "x"')
    path.write_text(said)
    assert config.read_config(path).recipe.rank == 16


def test_a_missing_configuration_is_an_error_and_not_a_traceback(command, tmp_path, capsys):
    assert command.main([str(tmp_path / "none.toml")]) == 1
    assert "error: " in capsys.readouterr().err


def test_a_run_is_stopped_gone_on_with_and_exported(command, file, capsys, monkeypatch):
    said = []

    def say(_, line, now=False):
        said.append(line)
        if line.startswith("step 2 "):
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(command.Sayer, "say", say)
    assert command.main([str(file)]) == 130
    assert "same command goes on" in capsys.readouterr().out
    out = file.parent / "out"
    assert (out / "out.safetensors").is_file()
    said.clear()
    assert command.main([str(file)]) == 0
    assert [line[:6] for line in said if line.startswith("step")] == ["step 3", "step 4"]
    assert (out / "loss.png").is_file()
    adapter = json.loads((out / "export" / "out" / "adapter_config.json").read_text())
    assert adapter["r"] == 2
    told = command.read_lora(out / "export" / "out").metadata
    assert "Only for friends." in told["modelspec.license"]
