/** A frame of a video as a PNG among the user's downloads. */

/**
 * @param {HTMLVideoElement} video
 * @param {string} name
 */
export function saveFrame(video, name) {
  const document = video.ownerDocument;
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  canvas.toBlob((picture) => {
    if (!picture) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(picture);
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  }, "image/png");
}
