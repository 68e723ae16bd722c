"""Optimiser, average, resuming and processes, on problems whose answer is known."""

import importlib
import json

import pytest
import torch
from svd_studio.training.optimizer import MuonAdamW, exponential_average
from svd_studio.training.processes import run_on_processes, sum_gradients, sum_number
from svd_studio.training.resumable import cosine_with_warmup, run_stage
from torch import nn


class Regression:
    """Fit a fixed linear map; every step draws from its own seed."""

    def __init__(self):
        generator = torch.Generator().manual_seed(0)
        self.net = nn.Linear(16, 16)
        with torch.no_grad():
            self.net.weight.copy_(torch.randn(16, 16, generator=generator) * 0.1)
            self.net.bias.zero_()
        self.truth = torch.randn(16, 16, generator=generator)
        self.optimizer = MuonAdamW(self.net.named_parameters(), 0.3, 0.01)

    def step(self, index, lr_scale):
        x = torch.randn(32, 16, generator=torch.Generator().manual_seed(index))
        loss = (self.net(x) - x @ self.truth).square().mean()
        loss.backward()
        self.optimizer.step(lr_scale)
        return loss.item()

    def state_dict(self):
        return {"net": self.net.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state):
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])


def test_muon_takes_kernels_and_adam_the_rest():
    net = nn.Sequential(nn.Conv2d(16, 32, 3), nn.GroupNorm(8, 32), nn.Conv2d(32, 4, 3))
    optimizer = MuonAdamW(net.named_parameters(), 0.01, 0.001, adam_prefixes=("2.",))
    assert [kernel.shape for kernel in optimizer.kernels] == [(32, 16, 3, 3)]


def test_a_step_changes_the_network_itself():
    stage = Regression()
    before = stage.net.weight.detach().clone()
    stage.step(0, 1.0)
    assert not torch.equal(before, stage.net.weight)


def test_training_converges(tmp_path):
    stage = Regression()
    first = stage.step(0, 0.0)
    run_stage(stage, tmp_path, steps=300, save_every=100)
    assert stage.step(1000, 0.0) < first / 50


def test_a_stopped_run_goes_on_as_if_it_had_not_been(tmp_path):
    whole, halves = Regression(), [Regression(), Regression()]
    run_stage(whole, tmp_path / "whole", steps=60, save_every=20)

    class StoppedError(Exception):
        pass

    step = halves[0].step

    def stopping(index, lr_scale):
        if index == 45:
            raise StoppedError
        return step(index, lr_scale)

    halves[0].step = stopping
    with pytest.raises(StoppedError):
        run_stage(halves[0], tmp_path / "halves", steps=60, save_every=20)
    run_stage(halves[1], tmp_path / "halves", steps=60, save_every=20)
    assert torch.equal(whole.net.weight, halves[1].net.weight)
    rows = [json.loads(line) for line in (tmp_path / "halves" / "log.jsonl").open()]
    assert [row["step"] for row in rows] == [20, 40, 60]


def test_the_learning_rate_rises_and_falls():
    scales = [cosine_with_warmup(i, 1000) for i in range(1000)]
    assert scales[0] < 0.1
    assert max(scales) > 0.95
    assert scales[-1] < 0.02


def test_the_average_forgets_its_start():
    net = nn.Linear(4, 4)
    average = exponential_average(net, 0.999)
    with torch.no_grad():
        net.weight.fill_(1.0)
    for _ in range(60):
        average.update_parameters(net)
    torch.testing.assert_close(average.module.weight, net.weight, atol=0.05, rtol=0)


def sum_ranks(folder):
    import torch.distributed as dist

    parameter = nn.Parameter(torch.zeros(3))
    parameter.grad = torch.full((3,), float(dist.get_rank() + 1))
    sum_gradients([parameter])
    total = sum_number(1.0)
    (folder / f"{dist.get_rank()}.txt").write_text(f"{parameter.grad.tolist()} {total}")


@pytest.mark.slow
def test_processes_share_their_gradients(tmp_path):
    # a new process must be able to import the work by name, which pytest's own import does not give
    work = importlib.import_module("svd_studio.tests.training.test_running").sum_ranks
    run_on_processes(2, work, tmp_path)
    texts = {file.read_text() for file in tmp_path.iterdir()}
    assert texts == {"[3.0, 3.0, 3.0] 2.0"}
