/**
 * Ways to correlate an RGBA frame with a kernel in a browser, each on one thread, and frames of the page's preview. docs/engineering/decisions/0029-preview-in-webassembly.md compares them.
 */

const draw = (width, height) => {
  const image = new ImageData(width, height);
  for (let index = 0; index < image.data.length; index++) image.data[index] = index % 4 === 3 ? 255 : (index * 2654435761) >>> 24;
  return image;
};

/** Sums float32 numbers in loops over typed arrays. `rounded`: each sum is rounded to float32, as in the service. */
function makeTypedArrays(image, weights, rounded) {
  const { width, height, data } = image;
  const [side, half] = [weights.length, weights.length >> 1];
  const pitch = width + side - 1;
  const taps = weights.flatMap((row, y) => row.map((weight, x) => [y * pitch + x, Math.fround(weight)]));
  const planes = [0, 1, 2].map(() => new Float32Array(pitch * (height + side - 1)));
  const sums = new Float32Array(width);
  return () => {
    const result = new ImageData(width, height);
    planes.forEach((plane, channel) => {
      for (let y = 0; y < height + side - 1; y++) {
        const row = Math.min(Math.max(y - half, 0), height - 1) * width;
        for (let x = 0; x < pitch; x++) plane[y * pitch + x] = data[4 * (row + Math.min(Math.max(x - half, 0), width - 1)) + channel];
      }
      for (let y = 0; y < height; y++) {
        sums.fill(0);
        for (const [offset, weight] of taps) {
          const from = y * pitch + offset;
          if (rounded) for (let x = 0; x < width; x++) sums[x] = Math.fround(sums[x] + plane[from + x] * weight);
          else for (let x = 0; x < width; x++) sums[x] += plane[from + x] * weight;
        }
        for (let x = 0; x < width; x++) result.data[4 * (y * width + x) + channel] = sums[x];
      }
    });
    return result;
  };
}

const VERTICES = `#version 300 es
in vec2 corner; void main() { gl_Position = vec4(corner, 0.0, 1.0); }`;

/** Draws a float texture through a fragment shader and reads the pixels back. */
function makeWebGl(image, weights) {
  const { width, height, data } = image;
  const gl = new OffscreenCanvas(width, height).getContext("webgl2", { antialias: false, premultipliedAlpha: false });
  if (!gl) return null;
  const half = weights.length >> 1;
  const fragments = `#version 300 es
precision highp float; precision highp sampler2D;
uniform sampler2D image; uniform float weights[${weights.length ** 2}]; out vec4 colour;
void main() {
  ivec2 at = ivec2(gl_FragCoord.xy); vec3 sum = vec3(0.0); int tap = 0;
  for (int y = ${-half}; y <= ${half}; y++) for (int x = ${-half}; x <= ${half}; x++)
    sum += weights[tap++] * texelFetch(image, clamp(at + ivec2(x, y), ivec2(0), ivec2(${width - 1}, ${height - 1})), 0).rgb;
  colour = vec4(floor(clamp(sum, 0.0, 255.0) + 0.5) / 255.0, 1.0);
}`;
  const program = gl.createProgram();
  for (const [type, text] of [[gl.VERTEX_SHADER, VERTICES], [gl.FRAGMENT_SHADER, fragments]]) {
    const shader = gl.createShader(type);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  gl.useProgram(program);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, Float32Array.of(-1, -1, 3, -1, -1, 3), gl.STATIC_DRAW);
  const corner = gl.getAttribLocation(program, "corner");
  gl.enableVertexAttribArray(corner);
  gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
  gl.uniform1fv(gl.getUniformLocation(program, "weights"), weights.flat());
  gl.viewport(0, 0, width, height);
  const values = new Float32Array(4 * width * height);
  return () => {
    values.set(data);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, width, height, 0, gl.RGBA, gl.FLOAT, values);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    const result = new ImageData(width, height);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, result.data);
    return result;
  };
}

/** The engine of the page, on this thread. */
async function makeWebAssembly(image, operation, fused) {
  const [{ Correlator }, { applyChain }, { planOperations }] = await Promise.all(
    ["correlation", "chain", "operations"].map((name) => import(`/static/js/preview/${name}.js`)));
  const correlator = await Correlator.load(fused).catch(() => null);
  const plans = await planOperations([operation]);
  return correlator && (() => applyChain(correlator, image, false, plans, 0, 1));
}

/** Prepares the ways of filtering with a kernel. @returns the names of those that this browser has */
window.prepareCandidates = async (width, height, side) => {
  const image = draw(width, height);
  const weights = Array.from({ length: side }, (_, y) => Array.from({ length: side }, (_, x) => Math.sin(1 + y * side + x) / side));
  const operation = { kernel: "custom", weights, response: "clip" };
  window.candidates = {
    "typed arrays": makeTypedArrays(image, weights, false),
    "typed arrays, each sum rounded": makeTypedArrays(image, weights, true),
    WebGL2: makeWebGl(image, weights),
    "WebAssembly, fused": await makeWebAssembly(image, operation, true),
    "WebAssembly, float64": await makeWebAssembly(image, operation, false),
  };
  return Object.keys(window.candidates).filter((name) => window.candidates[name]);
};

window.runCandidate = (name, rounds) => {
  for (let round = 0; round < rounds; round++) window.candidates[name]();
};

const WARM_UP_FRAMES = 25;

/** Renders one frame after the other, each a little different, in workers that browsers have had time to compile. */
window.startPreview = async (width, height, operation) => {
  const { createPreview } = await import("/static/js/preview/preview.js");
  window.preview?.close();
  window.preview = createPreview();
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const image = draw(width, height);
  window.renderFrame = async (number) => {
    image.data[0] = number % 256;
    const { imageData } = await window.preview.render(image, [operation]);
    canvas.getContext("2d").putImageData(imageData, 0, 0);
  };
  for (let frame = 0; frame < WARM_UP_FRAMES; frame++) await window.renderFrame(frame);
};

/** As many frames as fit into the time. */
window.measureRate = async (seconds) => {
  const started = performance.now();
  let frames = 0;
  while (performance.now() - started < 1000 * seconds) await window.renderFrame(frames++);
  return { rate: (1000 * frames) / (performance.now() - started), frames };
};
