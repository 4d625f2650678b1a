// Cameras and video files as frames. What can go wrong with a camera has a name, which the page has a text for.

export class CameraError extends Error {
  /** `state`: refused, absent, busy, insecure or failed. */
  constructor(state, cause) {
    super(cause ? `${cause.name}: ${cause.message}` : state);
    this.state = state;
  }
}

const STATES = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "absent",
  OverconstrainedError: "absent",
  NotReadableError: "busy",
  AbortError: "busy",
};

/** Show a camera in a video element, unless `signal` was aborted; `onLost` is called when it goes away. */
export async function openCamera(video, device, signal, onLost) {
  if (!navigator.mediaDevices) throw new CameraError("insecure");
  const wanted = { width: { ideal: 640 }, height: { ideal: 480 } };
  const which = device ? { deviceId: { exact: device } } : { facingMode: "user" };
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { ...wanted, ...which }, audio: false });
  } catch (error) {
    throw new CameraError(STATES[error.name] ?? "failed", error);
  }
  if (signal.aborted) {
    for (const track of stream.getTracks()) track.stop(); // else it would stay on
    return;
  }
  stream.getVideoTracks()[0].onended = onLost;
  video.srcObject = stream;
  await video.play();
}

/** Show a video file from its beginning. */
export async function openFile(video, file) {
  video.src = URL.createObjectURL(file);
  try {
    await video.play();
  } catch (error) {
    throw new CameraError("unreadable", error);
  }
}

/** End what a video element shows, and give the camera back. */
export function close(video) {
  for (const track of video.srcObject?.getTracks() ?? []) {
    track.onended = null;
    track.stop();
  }
  video.srcObject = null;
  if (video.src) URL.revokeObjectURL(video.src);
  video.removeAttribute("src");
  video.load();
}

/** The cameras, `{id, name}`; they have names once the user has allowed one. */
export async function cameras() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices
    .filter((device) => device.kind === "videoinput")
    .map((device, i) => ({ id: device.deviceId, name: device.label || `camera ${i + 1}` }));
}

/**
 * Call `onFrame(milliseconds)` for each frame that there is time for, until `signal` is aborted or a file ends.
 */
export async function eachFrame(video, signal, onFrame) {
  while (!signal.aborted && !video.ended) {
    const time = await nextFrame(video, signal);
    if (time === null) break;
    await onFrame(time);
  }
}

function nextFrame(video, signal) {
  return new Promise((resolve) => {
    const end = () => resolve(null);
    signal.addEventListener("abort", end, { once: true });
    video.addEventListener("ended", end, { once: true });
    const shown = (now, metadata) => {
      signal.removeEventListener("abort", end);
      video.removeEventListener("ended", end);
      // A file has times of its own; those of a camera are those of the clock.
      resolve(video.srcObject === null ? metadata.mediaTime * 1000 : now);
    };
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(shown);
    else requestAnimationFrame((now) => shown(now, { mediaTime: video.currentTime }));
  });
}
