"""A motion report as a person would say it."""

from __future__ import annotations

from collections.abc import Sequence

from .camera_motion import GlobalMotion
from .metrics import ChannelScore, MotionReport

NAMES = {
    "shift_x": ("pan: content goes right", 100.0, " % of the width"),
    "shift_y": ("tilt: content goes down", 100.0, " % of the width"),
    "log_zoom": ("zoom: content grows by a log of", 100.0, " %"),
    "roll": ("roll: content turns clockwise", 1.0, " degrees"),
}


def words(report: MotionReport, scores: Sequence[ChannelScore]) -> str:
    """Several lines; with `scores`, what was asked for stands beside what was measured."""
    lines = [_score_line(score) for score in scores] or _curve_lines(report.curve[-1])
    lines += [
        f"camera {100 * report.global_speed:.2f} % of the width a frame, objects and grain "
        f"{100 * report.residual:.2f} %",
        f"flicker {100 * report.flicker:.2f} %, warp error {100 * report.warp_error:.2f} %, "
        f"sharpness of the last frame {100 * report.sharpness[-1]:.0f} % of the first's",
        f"last to first frame {100 * report.loop_error:.2f} %, neighbours "
        f"{100 * report.neighbour_error:.2f} %: {_loops(report)}",
    ]
    if report.first_frame_psnr is not None:
        lines.append(f"first frame against the picture {report.first_frame_psnr:.1f} dB")
    return "\n".join(lines)


def headline(report: MotionReport, scores: Sequence[ChannelScore]) -> str:
    """One line for a plot."""
    speed = f"camera {100 * report.global_speed:.2f} % of the width a frame"
    wrong = [score.channel for score in scores if not score.right_way]
    if not scores:
        return speed
    if wrong:
        return f"{speed}, not as asked: {', '.join(NAMES[c][0].split(':')[0] for c in wrong)}"
    return f"{speed}, as asked"


def _curve_lines(last: GlobalMotion) -> list[str]:
    return [
        f"{name} {getattr(last, channel) * unit:+.1f}{suffix}"
        for channel, (name, unit, suffix) in NAMES.items()
    ]


def _score_line(score: ChannelScore) -> str:
    name, unit, suffix = NAMES[score.channel]
    verdict = "as asked" if score.right_way else "NOT as asked"
    line = f"{name} {score.measured * unit:+.1f}{suffix}, asked {score.commanded * unit:+.1f}"
    if score.slope is None:
        return f"{line}: {verdict}"
    return f"{line}: {verdict}, {100 * score.slope:.0f} % of the way, R2 {score.r2:.3f}"


def _loops(report: MotionReport) -> str:
    if report.loop_error <= report.neighbour_error:
        return "it loops"
    return (
        "it does not loop" if report.loop_error > 2 * report.neighbour_error else "it nearly loops"
    )
