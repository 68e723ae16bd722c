"""Where one picture is in another: a rough fit to optical flow, then a fine one to the brightness.

Image coordinates are in frame widths from the frame's centre, x to the right and y down. A 3x3
homography maps a point of the first picture to where it is in the second. Nothing here is random:
the starts of the robust fits are the same for every picture.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..drawing import opencv as cv2
from .motion_metrics import optical_flow

SMALLEST_FOR_FLOW = 256  # DIS reads pixels in patches of eight: smaller frames are enlarged for it
GRID = 40  # flow is sampled on about this many points across the frame
EDGE_WEIGHT = 3.0  # what moves at the edge of the frame is the camera more often than a subject
TUKEY = 4.685  # standard deviations; 95 % as efficient as least squares on normal noise
FINE_STEPS = 12  # at most, in each of the two resolutions
LEAST_SCALE = 1.0  # grey levels: what is less apart than this is no outlier
LEAST_PIXELS = 100
MARGIN = 2  # pixels at the frame's edge that are left out, where slopes are half guessed
HALF_WRONG = 10.0  # grey levels
CONVERGED = 0.002  # pixels
FREEDOM = {"similarity": 4, "homography": 8}


def to_pixels(width: int, height: int) -> np.ndarray:
    """(3, 3): image coordinates to pixels, whole numbers at the centres of pixels."""
    return np.array([[width, 0, (width - 1) / 2], [0, width, (height - 1) / 2], [0, 0, 1.0]])


def transfer(homography: np.ndarray, points: np.ndarray) -> np.ndarray:
    """`points` (..., 2) through a homography (3, 3)."""
    moved = points @ homography[:, :2].T + homography[:, 2]
    return moved[..., :2] / moved[..., 2:]


def image_grid(width: int, height: int, across: int | None = None) -> np.ndarray:
    """(h, w, 2) image coordinates: of every pixel, or of about `across` points a row."""
    step = 1 if across is None else max(1, round(width / across))
    ys, xs = np.mgrid[step // 2 : height : step, step // 2 : width : step]
    return np.stack([xs - (width - 1) / 2, ys - (height - 1) / 2], -1) / width


def in_frame(points: np.ndarray, width: int, height: int) -> np.ndarray:
    """Which of `points` (..., 2) lie between the centres of the outermost pixels."""
    x, y = points[..., 0], points[..., 1]
    reach_x, reach_y = (width - 1) / 2 / width + 1e-9, (height - 1) / 2 / width + 1e-9
    return (np.abs(x) <= reach_x) & (np.abs(y) <= reach_y)


def warp_back(second: np.ndarray, homography: np.ndarray) -> np.ndarray:
    """`second` (H, W, ...) as the first camera would see it; its edge is repeated outwards."""
    size = (second.shape[1], second.shape[0])
    matrix = _on_pixels(homography, second)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpPerspective(second, matrix, size, flags=how, borderMode=cv2.BORDER_REPLICATE)


def rough_similarity(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The similarity (3, 3) that most of the flow from `first` to `second` agrees with.

    Greys uint8 (H, W). Iteratively reweighted least squares with Tukey's weights (Holland and
    Welsch 1977) over a grid of flow points, from several starts instead of random samples.
    Points count by their texture, by whether the flow leads back, and more at the frame's edge.
    """
    first, second = (_enlarged(grey) for grey in (first, second))
    height, width = first.shape
    points = image_grid(width, height, GRID).reshape(-1, 2)
    step = max(1, round(width / GRID))
    on_grid = (slice(step // 2, None, step), slice(step // 2, None, step))
    flow = optical_flow(first, second)
    trust = _trust(first, second, flow)[on_grid].ravel()
    moved = points + flow[on_grid].reshape(-1, 2).astype(np.float64) / width
    trust = trust * _rim_weight(width, height)[on_grid].ravel()
    if trust.sum() < 1e-6:
        return np.eye(3)
    scale = 0.25 / width
    fits = [_reweighted(points, moved, trust, start, scale) for start in _starts(points, moved)]
    return max(fits, key=lambda fit: _support(fit, points, moved, trust, scale))


def refine(
    first: np.ndarray, second: np.ndarray, start: np.ndarray, model: str = "similarity"
) -> np.ndarray:
    """`start` (3, 3), made more exact by comparing brightness. Greys uint8 (H, W).

    Gauss-Newton on the warped-back difference with the first picture's gradients (inverse
    composition: Baker and Matthews 2004), Tukey's weights against what moves on its own, and a
    gain and an offset of brightness (Odobez and Bouthemy 1995), from half to full resolution.
    """
    homography = start
    for level in (2, 1):
        one, two = (_smooth(grey, level) for grey in (first, second))
        if level == 2 or model == "similarity":
            homography = _gauss_newton(one, two, homography, "similarity")
        if model != "similarity":
            homography = _gauss_newton(one, two, homography, model)
    return homography


def mismatch(first: np.ndarray, second: np.ndarray, homography: np.ndarray) -> float:
    """0..1: how badly `second` warped back fits `first`; greys uint8 (H, W).

    Geman and McClure's robust error (1987), ten grey levels being half wrong; so is what is out
    of sight.
    """
    difference = (warp_back(second.astype(np.float32), homography) - first) ** 2
    error = difference / (difference + HALF_WRONG**2)
    error = np.where(in_view(first, homography), error, 0.5)
    return float(np.average(error, weights=_rim_weight(*first.shape[::-1])))


def in_view(grey: np.ndarray, homography: np.ndarray, margin: int = 0) -> np.ndarray:
    """Which pixels (H, W) of the first picture are in the second one, `margin` pixels inside."""
    height, width = grey.shape
    inside = np.zeros((height, width), np.uint8)
    inside[margin : height - margin, margin : width - margin] = 1
    how = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    seen = cv2.warpPerspective(inside, _on_pixels(homography, grey), (width, height), flags=how)
    return (seen & inside).astype(bool)


def fit_similarity(points: np.ndarray, moved: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted least squares over `points` (N, 2) -> `moved` (N, 2): (3, 3), in closed form."""
    total = weights.sum()
    centre, goal = weights @ points / total, weights @ moved / total
    x, y = (points - centre).T
    u, v = (moved - goal).T
    spread = max(weights @ (x * x + y * y), 1e-12)
    a, b = weights @ (x * u + y * v) / spread, weights @ (x * v - y * u) / spread
    turn = np.array([[a, -b], [b, a]])
    return np.vstack([np.column_stack([turn, goal - turn @ centre]), [0, 0, 1]])


def _rim_weight(width: int, height: int) -> np.ndarray:
    """(H, W): 1 in the middle of the frame, EDGE_WEIGHT at its edge."""
    across, down = (np.linspace(-1, 1, side) ** 2 for side in (width, height))
    return (1 + (EDGE_WEIGHT - 1) * np.maximum(across[None], down[:, None])).astype(np.float32)


def _on_pixels(homography: np.ndarray, image: np.ndarray) -> np.ndarray:
    pixels = to_pixels(image.shape[1], image.shape[0])
    return pixels @ homography @ np.linalg.inv(pixels)


def _enlarged(grey: np.ndarray) -> np.ndarray:
    factor = SMALLEST_FOR_FLOW / max(grey.shape)
    if factor <= 1:
        return grey
    return cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)


def _trust(first: np.ndarray, second: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """0..1 a pixel: texture above the grain, and a flow that leads back to where it came from."""
    height, width = first.shape
    smooth = cv2.GaussianBlur(first.astype(np.float32), (0, 0), 1)
    slopes = [cv2.Scharr(smooth, cv2.CV_32F, *axis) / 32 for axis in ((1, 0), (0, 1))]
    energy = cv2.GaussianBlur(slopes[0] ** 2 + slopes[1] ** 2, (0, 0), 3)
    texture = energy / (energy + 1.0 + 0.2 * _grain(first) ** 2)
    back = optical_flow(second, first)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = xs + flow[..., 0], ys + flow[..., 1]
    there = cv2.remap(back, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    gap = ((flow + there) ** 2).sum(-1)
    seen = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return (texture * np.exp(-gap / 0.25) * seen).astype(np.float64)


def _grain(grey: np.ndarray) -> float:
    """Standard deviation of the noise in grey levels (Immerkaer 1996, by a median)."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
    return float(1.4826 * np.median(np.abs(cv2.filter2D(grey, cv2.CV_32F, kernel))))


def _starts(points: np.ndarray, moved: np.ndarray) -> Iterator[np.ndarray]:
    """Median shifts of the frame, of its rim, and of its halves; and none."""
    x, y = points.T
    rim = (np.abs(x) > 0.4 * np.ptp(x)) | (np.abs(y) > 0.4 * np.ptp(y))
    for part in (x < 9, rim, x < 0, x >= 0, y < 0, y >= 0):
        start = np.eye(3)
        start[:2, 2] = np.median((moved - points)[part], axis=0)
        yield start
    yield np.eye(3)


def _reweighted(
    points: np.ndarray, moved: np.ndarray, trust: np.ndarray, fit: np.ndarray, scale: float
) -> np.ndarray:
    for widening in (6, 4, 2, 1, 1, 1, 1):
        errors = ((transfer(fit, points) - moved) ** 2).sum(-1)
        weights = trust * _tukey(errors, (widening * TUKEY * scale) ** 2)
        if weights.sum() < 1e-6:
            break
        fit = fit_similarity(points, moved, weights)
    return fit


def _support(
    fit: np.ndarray, points: np.ndarray, moved: np.ndarray, trust: np.ndarray, scale: float
) -> float:
    errors = ((transfer(fit, points) - moved) ** 2).sum(-1)
    return float(trust @ _tukey(errors, (2 * TUKEY * scale) ** 2))


def _tukey(squares: np.ndarray, limit: float) -> np.ndarray:
    return np.clip(1 - squares / limit, 0, None) ** 2


def _smooth(grey: np.ndarray, level: int) -> np.ndarray:
    """float32, 1/level of the size, blurred by a pixel of that: slopes of grain mean nothing."""
    grey = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), level)
    if level == 1:
        return grey
    size = (max(16, grey.shape[1] // level), max(16, grey.shape[0] // level))
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA)


def _gauss_newton(
    first: np.ndarray, second: np.ndarray, homography: np.ndarray, model: str
) -> np.ndarray:
    """Greys float32 (H, W), blurred."""
    width = first.shape[1]
    slopes = _slopes(first, model)
    rim = _rim_weight(*first.shape[::-1]).ravel()
    total = np.zeros(len(slopes))
    for _ in range(FINE_STEPS):
        seen = in_view(first, homography, MARGIN).ravel()
        light = total[-2:].astype(np.float32)
        error = (warp_back(second, homography) - first).ravel() + light @ slopes[-2:]
        if seen.sum() < LEAST_PIXELS:
            break
        scale = max(1.4826 * float(np.median(np.abs(error[seen]))), LEAST_SCALE)
        weighted = slopes * (seen * rim * _tukey(error**2, (TUKEY * scale) ** 2))
        prior = _prior(len(slopes), scale)
        normal = (weighted @ slopes.T).astype(np.float64) + np.diag(prior)
        change = np.linalg.solve(normal, -(weighted @ error) - prior * total)
        homography = homography @ _increment(change[:-2])
        total += change
        if np.abs(change[:-2]).max() * width < CONVERGED:
            break
    return homography / homography[2, 2]


def _slopes(first: np.ndarray, model: str) -> np.ndarray:
    """(parameters + 2, pixels) float32: how brightness changes with each, and with the light."""
    height, width = first.shape
    points = image_grid(width, height).astype(np.float32)
    gx, gy = (cv2.Scharr(first, cv2.CV_32F, *axis) / 32 * width for axis in ((1, 0), (0, 1)))
    x, y = points[..., 0], points[..., 1]
    rows = [gx, gy, gx * x + gy * y, gy * x - gx * y]
    if FREEDOM[model] == 8:
        rows += [gx * x - gy * y, gx * y + gy * x, x * rows[2], y * rows[2]]
    rows += [first - first.mean(), np.ones_like(first)]
    return np.stack([row.ravel() for row in rows])


def _prior(parameters: int, scale: float) -> np.ndarray:
    """How firmly each parameter is held where it starts.

    Perspective is expected to change by about 0.05, against noise that ten by ten pixels share,
    so that a few edges do not bend the frame; the rest only has to stay put in blank pictures.
    """
    strengths = np.full(parameters, 1e-3)
    strengths[4:-2] = (10 * scale / 0.05) ** 2
    return strengths


def _increment(p: np.ndarray) -> np.ndarray:
    if len(p) == 4:
        return np.array([[1 + p[2], -p[3], p[0]], [p[3], 1 + p[2], p[1]], [0, 0, 1]])
    return np.array(
        [
            [1 + p[2] + p[4], p[5] - p[3], p[0]],
            [p[3] + p[5], 1 + p[2] - p[4], p[1]],
            [-p[6], -p[7], 1],
        ]
    )
