// Every state of the page as a sentence: what happens, and what to do about it.

const megabytes = (bytes) => (bytes / 1e6).toFixed(0);

export const STATES = {
  loading: (done, all) => `Loading ${megabytes(done)} of ${megabytes(all)} MB…`,
  starting: () => "Starting the model…",
  ready: () => "Ready. Start the camera, or open a video file.",
  asking: () => "Asking for the camera: please allow it.",
  refused: () => "The camera was refused. Allow it in the browser's settings for this page, then start again.",
  absent: () => "No camera was found. Connect one and start again, or open a video file.",
  busy: () => "The camera is in use by another program. Close that one, then start again.",
  lost: () => "The camera was lost. Connect it again, then start again.",
  insecure: () => "Browsers give a camera to pages of https or of localhost only, and this page is neither.",
  failed: (why) => `The camera cannot be used (${why}).`,
  unreadable: () => "This file cannot be played as a video. Browsers read mp4 and webm.",
  webgl: () => "This browser has no WebGL 2, with which hands are found. Try another browser, or allow it.",
  mismatch: (why) => `Model and page do not match: ${why}. Export the model again.`,
  broken: (why) => `The page cannot go on: ${why}. Reload it; if that does not help, export the model again.`,
  noHand: () => "No hand in view.",
  twoHands: () => "Two hands in view: the one that is seen longer is read.",
  reading: () => "Reading.",
  taught: () => "A hand is in view. While takes are recorded, nothing is read.",
  ended: () => "The video has ended.",
  stopped: () => "Stopped. Start the camera, or open a video file.",
};

/** The same of recording takes. */
export const TEACHING = {
  nameless: () => "Type the name of the sign first.",
  counting: (name, take, of, before = "") =>
    `${before}Take ${take} of ${of} of ${name} begins in 3 seconds. Lower your hands.`,
  recording: (name) => `Recording ${name}: sign it now, then lower your hands.`,
  complete: (name, count) => `${name} has ${count} takes. Name the next sign, or download them.`,
  unseen: () => "No hand was seen for 5 seconds: recording has ended.",
  ended: () => "Recording has ended.",
  deleted: (name, take) => `Take ${take} of ${name} is deleted.`,
  downloaded: (count, file) => `${count} takes are downloaded as ${file}.`,
  opened: (count) => `${count} takes are added.`,
  unreadable: (why) => `${why}: nothing was added.`,
};
