import assert from "node:assert/strict";
import { test } from "node:test";

import { dollyBy, leanAt, ratioAt, travelTo, turnTo, zoomBy } from "../../js/camera/aim.mjs";
import { isMonotone } from "../../js/camera/easing.mjs";
import { isStart, withKeyframe, withPoseAt, withTime, withoutKeyframe } from "../../js/camera/edit.mjs";
import { nudged, pathOf } from "../../js/camera/gestures.mjs";
import { MOVES, STILL, poseAt } from "../../js/camera/path.mjs";
import { readPath, writePath } from "../../js/camera/path_json.mjs";
import { layOut } from "../../js/camera/scene.mjs";
import { snapAngle, snapPoint, snapTime } from "../../js/camera/snap.mjs";
import { centreOfView, framing, homography, project } from "../../js/camera/view.mjs";
import { handlesOf, partAt, showAll, toPicture, toStage } from "../../js/camera/viewport.mjs";

const FOV = 50;
const ASPECT = 9 / 16;
/** Turned every way at once, so that nothing is right by being straight ahead. */
const TILTED = { ...STILL, pan: 6, tilt: -4, roll: 11, zoom: 1.2, truck: 0.1, pedestal: 0.05, dolly: 0.2, orbit: 12 };

const close = (found, expected, reach = 1e-9) =>
  found.forEach((value, index) => assert.ok(Math.abs(value - expected[index]) < reach, `${found}, not ${expected}`));

test("turning and travelling put the place that was asked for into the middle", () => {
  for (const pose of [STILL, TILTED])
    for (const target of [[0.2, -0.1], [-0.3, 0.05]]) {
      close(centreOfView(turnTo(pose, FOV, target), FOV), target);
      close(centreOfView(travelTo(pose, FOV, target), FOV), target);
    }
});

test("turning leaves the camera where it is, and travelling leaves it turned as it is", () => {
  const changed = (pose) => MOVES.filter((move) => Math.abs(pose[move] - TILTED[move]) > 1e-9);
  assert.deepEqual(changed(turnTo(TILTED, FOV, [0.2, -0.1])), ["pan", "tilt"]);
  assert.deepEqual(changed(travelTo(TILTED, FOV, [0.2, -0.1])), ["truck", "pedestal"]);
  assert.deepEqual(changed(zoomBy(TILTED, 0.8)), ["zoom"]);
});

test("right and up of the hand are right and up of the camera", () => {
  const turned = turnTo(STILL, FOV, [0.1, -0.1]);
  const travelled = travelTo(STILL, FOV, [0.1, -0.1]);
  assert.ok(turned.pan > 0 && turned.tilt > 0 && travelled.truck > 0 && travelled.pedestal > 0);
});

test("a smaller framing is a longer lens, or a camera that went in, about the same middle", () => {
  for (const pose of [STILL, TILTED]) {
    const middle = centreOfView(pose, FOV);
    for (const sized of [zoomBy(pose, 0.8), dollyBy(pose, FOV, 0.8)]) close(centreOfView(sized, FOV), middle);
  }
  assert.ok(zoomBy(STILL, 0.8).zoom > 1 && dollyBy(STILL, FOV, 0.8).dolly > 0.19);
  const corner = [0.5, ASPECT / 2];
  const dragged = framing(TILTED, FOV, ASPECT)[2].map((value) => value * 0.9);
  const ratio = ratioAt(TILTED, FOV, corner, dragged);
  const [x, y] = project(homography(zoomBy(TILTED, ratio), FOV), dragged);
  close([(x * corner[0] + y * corner[1]) / (corner[0] ** 2 + corner[1] ** 2)], [1]);
});

test("leaning by the angle of a place stands it upright above the middle", () => {
  const target = [0.2, -0.3];
  const rolled = { ...TILTED, roll: TILTED.roll + leanAt(TILTED, FOV, target) };
  close([leanAt(rolled, FOV, target)], [0]);
  assert.ok(leanAt(STILL, FOV, [0.1, -0.1]) > 0);
});

test("a keyframe that is added leaves the move as it is", () => {
  for (const ease of ["linear", "ease in", "ease out", "ease in-out", "jump", "jump at once", [3, 3], [0.2, 2.7]]) {
    const path = readPath(JSON.stringify({ keyframes: [{ time: 0.1 }, { time: 0.9, pan: 8, zoom: 1.3, ease }] }));
    const cut = withKeyframe(path, 0.37);
    assert.equal(cut.keyframes.length, 3);
    for (const { ease: each } of cut.keyframes) assert.ok(typeof each === "string" || isMonotone(each), `${each}`);
    for (let time = 0; time <= 1; time += 0.0625) {
      const [now, before] = [cut, path].map((each) => MOVES.map((move) => poseAt(each, time)[move]));
      close(now, before, 0.01);
    }
    readPath(writePath(cut));
  }
});

test("a keyframe stays between its neighbours, and the last one stays", () => {
  const path = readPath('{"keyframes": [{"time": 0}, {"time": 0.5}, {"time": 1}]}');
  assert.equal(withTime(path, 1, 2).keyframes[1].time, 0.999);
  assert.equal(withTime(path, 1, -1).keyframes[1].time, 0.001);
  assert.equal(withTime(path, 2, 3).keyframes[2].time, 1);
  assert.equal(withoutKeyframe(withoutKeyframe(withoutKeyframe(path, 0), 0), 0).keyframes.length, 1);
});

test("the film's pose is what was asked for, whatever the path starts from, shakes and adds", () => {
  const path = readPath(
    '{"keyframes": [{"time": 0, "pan": 3, "zoom": 1.1}, {"time": 1, "tilt": 2}], "shake": {"degrees": 1, "seed": 5}, "layers": [{"keyframes": [{"time": 0}, {"time": 1, "pan": 2, "zoom": 0.9}]}]}',
  );
  const wanted = { ...poseAt(path, 0.7), pan: 7, zoom: 1.4, dolly: 0.1 };
  const changed = withPoseAt(path, 0.7, wanted);
  const found = poseAt(changed, 0.7);
  close(MOVES.map((move) => found[move]), MOVES.map((move) => wanted[move]), 0.006);
  assert.deepEqual([changed.shake, changed.layers], [path.shake, path.layers]);
  assert.equal(writePath(path).split('"layers"')[1], writePath(changed).split('"layers"')[1]);
});

test("until its first keyframe the film shows the picture itself", () => {
  const path = readPath('{"keyframes": [{"time": 0.3, "pan": 5}, {"time": 1}]}');
  assert.ok(isStart(path, 0) && isStart(path, 0.3) && !isStart(path, 0.31));
});

/** @param {object} changes */
function gesture(changes) {
  const path = readPath('{"keyframes": [{"time": 0}, {"time": 1}]}');
  const { picture } = layOut(ASPECT, ASPECT, "cover");
  return { path, time: 1, part: "inside", from: [0, 0], mode: "turn", aspect: ASPECT, picture, ...changes };
}
const FREE = { snap: false, straight: false, reach: 0.01 };

test("a drag of the framing writes the moves of its mode", () => {
  const dragged = (mode) => pathOf(gesture({ mode }), [0.12, 0.04], FREE).path.keyframes[1].pose;
  assert.ok(dragged("turn").pan > 0 && dragged("turn").tilt < 0 && dragged("turn").truck === 0);
  assert.ok(dragged("travel").truck > 0 && dragged("travel").pedestal < 0 && dragged("travel").pan === 0);
});

test("a drag snaps to the middle, to thirds and to five degrees, and with a key along one axis", () => {
  const snapping = { ...FREE, snap: true };
  const third = pathOf(gesture({}), [1 / 6 + 0.004, 0.004], snapping);
  close([third.guides.x, third.guides.y], [1 / 6, 0]);
  const five = pathOf(gesture({}), [0.0945, 0.05], snapping).path.keyframes[1].pose;
  assert.equal(five.pan, 5);
  const along = pathOf(gesture({}), [0.12, 0.04], { ...FREE, straight: true }).path.keyframes[1].pose;
  assert.ok(along.pan > 0 && along.tilt === 0);
});

test("what no camera does is refused in a sentence and leaves the path alone", () => {
  const corner = pathOf(gesture({ part: "corner 2" }), [0.02, 0.012], FREE);
  assert.equal(corner.path, null);
  assert.match(corner.problem, /zoom/);
});

test("keys move the framing, further with shift, and others do nothing", () => {
  assert.equal(nudged("ArrowRight", false, "turn", STILL).pan, 0.5);
  assert.equal(nudged("ArrowUp", true, "turn", STILL).tilt, 5);
  assert.ok(nudged("ArrowLeft", false, "travel", STILL).truck < 0);
  assert.ok(nudged("+", false, "turn", STILL).zoom > 1 && nudged("-", false, "travel", STILL).dolly < 0);
  assert.equal(nudged("x", false, "turn", STILL), null);
});

test("snapping leaves alone what is far", () => {
  assert.equal(snapAngle(4.8, 0.3), 5);
  assert.equal(snapAngle(4.6, 0.3), 4.6);
  assert.equal(snapTime(0.5, 14), 7 / 13);
  const box = { left: -0.5, top: -0.5, width: 1, height: 1 };
  assert.deepEqual(snapPoint([0.05, 0.1], box, 0.01), { point: [0.05, 0.1], guides: { x: null, y: null } });
});

test("the stage shows the picture and every framing, and its handles are where they are drawn", () => {
  const path = readPath('{"keyframes": [{"time": 0}, {"time": 1, "pan": 20, "roll": 8}]}');
  const scene = layOut(ASPECT, ASPECT, "cover");
  const viewport = showAll(path, scene, ASPECT, { width: 400, height: 260 });
  const quad = framing(poseAt(path, 1), path.fov, ASPECT);
  const handles = handlesOf(viewport, quad);
  for (const [x, y] of [...handles.corners, handles.roll]) assert.ok(x > 0 && x < 400 && y > 0 && y < 260);
  close(toPicture(viewport, toStage(viewport, [0.1, -0.2])), [0.1, -0.2]);
  handles.corners.forEach((corner, index) => assert.equal(partAt(handles, corner), `corner ${index}`));
  assert.equal(partAt(handles, handles.roll), "roll");
  assert.equal(partAt(handles, toStage(viewport, centreOfView(poseAt(path, 1), path.fov))), "inside");
  assert.equal(partAt(handles, [1, 1]), "");
});
