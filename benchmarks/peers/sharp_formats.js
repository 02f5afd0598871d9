// Peer: sharp behind node:http, for what the peer in ../shared does not do. Run with that peer's node_modules in NODE_PATH.
// POST /filter (multipart: file, fmt, and kernel or sigma): WebP of quality 80 and GIF; and sharp's own blur to JPEG and
// PNG, in the cheapest of its ways that stays within a level of the exact blur. sharp convolves 8 bits only.
// node sharp_formats.js PORT [WORKERS]
const cluster = require('node:cluster');
const http = require('node:http');
const busboy = require('busboy');
const sharp = require('sharp');

const port = Number(process.argv[2]);
const workers = Number(process.argv[3] || 2);
const BLUR = { precision: 'float', minAmplitude: 0.01 };
const WRITTEN = {
  jpeg: (image) => image.jpeg({ quality: 85 }),
  png: (image) => image.png({ compressionLevel: 6 }),
  webp: (image) => image.webp({ quality: 80 }),
  gif: (image) => image.gif(),
};

async function filter(bytes, fields) {
  let image = sharp(bytes);
  if (fields.sigma) {
    image = image.blur({ sigma: Number(fields.sigma), ...BLUR });
  } else {
    const kernel = fields.kernel.split(',').map(Number);
    const side = Math.sqrt(kernel.length);
    image = image.convolve({ width: side, height: side, kernel, scale: 1 });
  }
  return WRITTEN[fields.fmt](image).toBuffer();
}

function handle(request, response) {
  if (request.url === '/healthz') return response.end(JSON.stringify({ ok: true, sharp: sharp.versions.sharp }));
  const fields = {};
  const parts = [];
  const fail = (status, error) => {
    if (response.headersSent) return;
    response.statusCode = status;
    response.end(String(error.message || error));
  };
  let form;
  try { form = busboy({ headers: request.headers }); } catch (error) { return fail(400, error); }
  form.on('field', (name, value) => { fields[name] = value; });
  form.on('file', (name, stream) => stream.on('data', (data) => parts.push(data)));
  form.on('error', (error) => fail(400, error));
  form.on('close', async () => {
    try {
      const out = await filter(Buffer.concat(parts), fields);
      response.setHeader('content-type', 'image/' + fields.fmt);
      response.end(out);
    } catch (error) { fail(422, error); }
  });
  request.pipe(form);
}

if (cluster.isPrimary && workers > 1) {
  for (let i = 0; i < workers; i++) cluster.fork();
  process.on('SIGTERM', () => process.exit(0));
} else {
  sharp.cache(false);
  sharp.concurrency(1);
  http.createServer(handle).listen(port, '127.0.0.1');
}
