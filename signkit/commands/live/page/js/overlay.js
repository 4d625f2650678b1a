// The hands drawn over the picture.

const FINGERS = [1, 5, 9, 13, 17];
const LINES = [
  ...FINGERS.map((root) => [root, root + 1, root + 2, root + 3]),
  [0, 1],
  [0, 5, 9, 13, 17, 0],
];

/** Draw hands `{left, right}` (pixels of the picture) in place of what was drawn before, by lines so wide. */
export function draw(canvas, width, height, hands, line = width / 180) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  for (const hand of [hands.left, hands.right]) {
    if (!hand) continue;
    // A dark line under a light one is seen on every ground.
    for (const [colour, size] of [["#0008", 2 * line], ["#5ce0b8", line]]) {
      Object.assign(context, { strokeStyle: colour, lineWidth: size, lineCap: "round", lineJoin: "round" });
      context.beginPath();
      for (const path of LINES) {
        path.forEach((point, i) => {
          context[i ? "lineTo" : "moveTo"](hand[3 * point], hand[3 * point + 1]);
        });
      }
      context.stroke();
    }
  }
}
