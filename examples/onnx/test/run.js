// Runs graphs in ONNX Runtime on one thread: node run.js jobs.json, a list of {graph, inputs: {name: {file, columns}}, output, batch}. Files are float32
// numbers, row after row. It prints the seconds that each took, without its start, as JSON.
import { readFileSync, writeFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";

const floats = (file) => {
  const b = readFileSync(file);
  return new Float32Array(b.buffer, b.byteOffset, b.length / 4);
};

const seconds = [];
for (const job of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  const session = await InferenceSession.create(job.graph, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const inputs = Object.entries(job.inputs).map(([name, from]) => ({ name, columns: from.columns, data: floats(from.file) }));
  const events = inputs[0].data.length / inputs[0].columns;
  const parts = [];
  let took = 0;
  for (let first = 0; first < events; first += job.batch) {
    const n = Math.min(job.batch, events - first);
    const feeds = {};
    for (const { name, columns, data } of inputs) {
      feeds[name] = new Tensor("float32", data.subarray(first * columns, (first + n) * columns), [n, columns]);
    }
    const start = performance.now();
    const found = await session.run(feeds);
    took += (performance.now() - start) / 1000;
    const { data } = found[session.outputNames[0]];
    parts.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  }
  writeFileSync(job.output, Buffer.concat(parts));
  seconds.push(took);
  await session.release();
}
console.log(JSON.stringify(seconds));
