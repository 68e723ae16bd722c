/**
 * Sets of values that belong together, by node type. A widget that a preset does not name keeps its
 * value. Names have no HTML in them: ComfyUI's menus would read it.
 */

/** @typedef {Record<string, string | number | boolean>} Values  by the names of widgets */
/** @typedef {{ name: string, values: Values }} Preset */

// SVD was trained on 1024x576; the others have as many pixels (768 x 768 exactly), or half.
/** @type {Preset[]} */
const CONDITIONING = [
  { name: "As the model was trained", values: { width: 0, height: 0, frames: 0, fps: 7 } },
  { name: "Landscape 1024x576", values: { width: 1024, height: 576 } },
  { name: "Portrait 576x1024", values: { width: 576, height: 1024 } },
  { name: "Square 768x768", values: { width: 768, height: 768 } },
  { name: "Half the pixels, 768x384 and 14 frames", values: { width: 768, height: 384, frames: 14 } },
  { name: "Still camera, little moves", values: { motion_bucket_id: 20, augmentation_level: 0.02 } },
  { name: "The usual motion", values: { motion_bucket_id: 127, augmentation_level: 0.02 } },
  { name: "Much moves", values: { motion_bucket_id: 180, augmentation_level: 0.1 } },
  // Time-to-Move's settings for SVD.
  { name: "For SVD Camera Guide", values: { motion_bucket_id: 17, fps: 7, augmentation_level: 0.02 } },
  {
    name: "As ComfyUI's own node",
    values: {
      motion_bucket_id: 127,
      fps: 6,
      augmentation_level: 0,
      clip_framing: "centre crop (ComfyUI)",
    },
  },
];

const WHOLE_RANGE = { start_sigma: 0, end_sigma: 0, add_noise: true };

/** @type {Preset[]} */
const SAMPLER = [
  {
    name: "Reference: 25 steps",
    values: { steps: 25, schedule: "karras", sampler: "euler", ...WHOLE_RANGE },
  },
  {
    name: "Quick: 10 steps, Align Your Steps",
    values: { steps: 10, schedule: "align-your-steps", sampler: "dpmpp_2m", ...WHOLE_RANGE },
  },
  {
    name: "More motion: start at sigma 100",
    values: { steps: 25, schedule: "karras", sampler: "euler", ...WHOLE_RANGE, start_sigma: 100 },
  },
  {
    name: "Fine: 50 steps",
    values: { steps: 50, schedule: "karras", sampler: "euler", ...WHOLE_RANGE },
  },
];

/** @type {Preset[]} */
const GUIDANCE = [
  { name: "What suits the model", values: { preset: "for this model" } },
  { name: "As in diffusers: 1 to 3", values: { preset: "diffusers" } },
  {
    name: "For loops: highest in the middle",
    values: { preset: "custom", first_frame_scale: 1, last_frame_scale: 2.5, shape: "triangle" },
  },
  {
    name: "The same for all frames: 2.5",
    values: { preset: "custom", first_frame_scale: 2.5, last_frame_scale: 2.5, shape: "constant" },
  },
];

/** @type {Preset[]} */
const CAMERA_GUIDE = [
  { name: "Follow the camera", values: { method: "clock", strength: 1, start_sigma: 0, end_sigma: 0 } },
  { name: "Follow it loosely", values: { method: "clock", strength: 0.6, start_sigma: 0, end_sigma: 0 } },
  { name: "Large moves: refine", values: { method: "refine", strength: 1, rounds: 3 } },
  { name: "Depth where near is white", values: { near_is_white: true, depth_range: 4 } },
  { name: "Depth where far is white", values: { near_is_white: false, depth_range: 4 } },
];

/** @type {Preset[]} */
const WRITE_VIDEO = [
  { name: "To watch and to send", values: { format: "H.264 (mp4)", quality: 80 } },
  { name: "DaVinci Resolve", values: { format: "ProRes 422 HQ (mov)" } },
  { name: "Topaz Video", values: { format: "TIFF pictures, 16-bit" } },
  { name: "Nuke", values: { format: "EXR pictures, half float, linear Rec.709" } },
  { name: "Nuke in an ACES project", values: { format: "EXR pictures, half float, ACEScg" } },
  { name: "With alpha, for a page", values: { format: "VP9, keeps alpha (webm)", quality: 80 } },
  { name: "With alpha, to edit", values: { format: "ProRes 4444, keeps alpha (mov)" } },
  {
    name: "To keep, without loss",
    values: { format: "FFV1 16-bit RGB, lossless, keeps alpha (mkv)" },
  },
];

/** @param {number} fps */
const rate = (fps) => ({ mode: "target rate", target_fps: fps, speed: 1 });

/** @type {Preset[]} */
const INTERPOLATE = [
  { name: "Cinema, 24 fps", values: rate(24) },
  { name: "Television, 25 fps", values: rate(25) },
  { name: "NTSC, 29.97 fps", values: rate(29.97) },
  { name: "Smooth, 60 fps", values: rate(60) },
  { name: "Five seconds at 24 fps", values: { ...rate(24), seconds: 5 } },
  { name: "Slow motion: half the speed at 24 fps", values: { ...rate(24), seconds: 0, speed: 0.5 } },
  { name: "Four times as many frames", values: { mode: "factor", factor: 4, seconds: 0, speed: 1 } },
];

/** @type {Preset[]} */
const UPSCALE = [
  { name: "Full HD", values: { target: "1080p", rule: "crop" } },
  { name: "4K", values: { target: "UHD 3840x2160", rule: "crop" } },
  { name: "Portrait 1080x1920", values: { target: "custom", width: 1080, height: 1920, rule: "crop" } },
  { name: "Square 1080x1080", values: { target: "custom", width: 1080, height: 1080, rule: "crop" } },
];

/** @type {Preset[]} */
const FILM_LOOK = [
  { name: "None", values: { grain: 0, sharpen: 0, letterbox: "none", fade_in: 0, fade_out: 0 } },
  { name: "Fine grain", values: { grain: 2, grain_size: 1.5 } },
  { name: "Coarse grain", values: { grain: 6, grain_size: 2.5 } },
  { name: "Wide screen, fades from and to black", values: { letterbox: "2.39:1", fade_in: 0.5, fade_out: 0.5, fade_to: "black" } },
];

/** @type {Record<string, Preset[]>} */
export const BUILT_IN = {
  SVDStudioConditioning: CONDITIONING,
  SVDStudioSampler: SAMPLER,
  SVDStudioGuidance: GUIDANCE,
  SVDStudioCameraGuide: CAMERA_GUIDE,
  SVDStudioWriteVideo: WRITE_VIDEO,
  SVDStudioInterpolate: INTERPOLATE,
  SVDStudioUpscale: UPSCALE,
  SVDStudioFilmLook: FILM_LOOK,
};
