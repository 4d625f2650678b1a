// Files fetched with their progress: one sum for all of them, since one line shows it.

/**
 * Fetch files at once. `sizes` has bytes by name, `onProgress(done, all)` is called as they come. The promise is
 * of ArrayBuffers by name.
 */
export async function fetchAll(sizes, onProgress) {
  const all = Object.values(sizes).reduce((a, b) => a + b, 0);
  let done = 0;
  onProgress(0, all);
  const parts = await Promise.all(
    Object.keys(sizes).map(async (name) => {
      const buffer = await fetchOne(name, (bytes) => {
        done += bytes;
        onProgress(done, all);
      });
      return [name, buffer];
    }),
  );
  return Object.fromEntries(parts);
}

async function fetchOne(name, onBytes) {
  const answer = await fetch(name);
  if (!answer.ok) throw new Error(`${name}: ${answer.status} ${answer.statusText}`);
  const reader = answer.body.getReader();
  const chunks = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    length += value.length;
    onBytes(value.length);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole.buffer;
}
