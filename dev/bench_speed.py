"""How near to the film of 200 steps does every setting come, for how many evaluations?

Films are made one by one and their answers appended to a file, so that the bench goes on where it
stopped. The films of 200 steps are kept beside it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from answers import answered, answers_file, processes

PHOTOS = 12
MOVED = ("draft", "final")  # whose camera moves are compared
MOVES_EACH = 3  # of the seven, for every photograph

_lab = None  # one in each worker process
_truth = None


@dataclass(frozen=True)
class Plan:
    """Where films and answers are kept, and whose photographs they are of."""

    out: Path
    state: Path
    weights: Path
    quick: bool = False

    @property
    def photos(self) -> range:
        return range(2 if self.quick else PHOTOS)

    def answers(self) -> Path:
        from speed_films import film_facts

        return answers_file(self.out, "bench_speed_films", self.weights, film_facts())

    def truth(self, photo: int) -> Path:
        return self.answers().with_suffix("") / f"truth_{photo}.safetensors"


@dataclass(frozen=True)
class Case:
    """The film of a photograph in a setting; with a move, of a preset's camera."""

    photo: int
    name: str
    setting: str
    move: str = ""

    @property
    def key(self) -> str:
        return f"{self.name}/{self.setting}/{self.photo}/{self.move}"


def film_cases(plan: Plan) -> list[Case]:
    from speed_films import settings

    return [
        Case(photo, setting.name, setting.facts) for setting in settings() for photo in plan.photos
    ]


def move_cases(plan: Plan) -> list[Case]:
    """Every photograph with some of the seven moves, in turn."""
    from speed_films import MOVES, settings

    moves = list(MOVES)
    presets = [setting for setting in settings() if setting.name in MOVED]
    return [
        Case(photo, preset.name, preset.facts, moves[(photo * MOVES_EACH + i) % len(moves)])
        for preset in presets
        for photo in plan.photos
        for i in range(MOVES_EACH)
    ]


def measure(plan: Plan, count: int) -> tuple[list[dict], list[dict]]:
    """Answers about films, and about camera moves; what is missing is worked out now."""
    file = plan.answers()
    truths = [Case(photo, "truth", "") for photo in plan.photos]
    with processes(count, _start_worker, plan) as pool:
        answered(
            file, [case for case in truths if not plan.truth(case.photo).exists()], pool, _make
        )
        films = answered(file, film_cases(plan), pool, _compare)
        return films, answered(file, move_cases(plan), pool, _move)


def _start_worker(plan: Plan) -> None:
    global _lab, _truth
    from speed_films import Lab
    from train_mini import held_out_pictures

    _lab = Lab(held_out_pictures(plan.state)[:PHOTOS], plan.weights)
    _truth = plan.truth


def _make(case: Case) -> dict:
    from safetensors.torch import save_file
    from speed_films import TRUTH

    file = _truth(case.photo)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    save_file({"latents": _lab.film(TRUTH, case.photo).latents.contiguous()}, part)
    part.replace(file)
    return {"key": case.key}


def _compare(case: Case) -> dict:
    from safetensors.torch import load_file
    from speed_films import distance, settings

    setting = next(setting for setting in settings() if setting.name == case.name)
    film = _lab.film(setting, case.photo)
    truth = load_file(_truth(case.photo))["latents"]
    cost = {
        "evaluations": film.evaluations,
        "equal_to": film.equal_to,
        "seconds": film.seconds,
    }
    frames = [_lab.frames(latents) for latents in (film.latents, truth)]
    far = distance(film.latents, frames[0], truth, frames[1])
    return asdict(case) | {"key": case.key} | cost | far


def _move(case: Case) -> dict:
    from speed_films import MOVES
    from svd_studio.sampling.quality import MINIATURE_PRESETS
    from svd_studio.video.metrics import measure_clip

    film = _lab.moved(MINIATURE_PRESETS[case.name], case.photo, case.move)
    report = measure_clip(film)
    went = getattr(report.curve[-1], MOVES[case.move][1])
    return asdict(case) | {"key": case.key, "went": went}
