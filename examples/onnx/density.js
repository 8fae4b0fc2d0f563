// Log-densities of events by the graphs of an exported model: node density.js FOLDER events.csv
//
//   sluice export model.safetensors -o FOLDER --onnx
//
// prints the events with log_prob, in nats per unit of the features, as `sluice density` does, and on stderr how far events are off that went to the
// latent and back. Columns are found by the names in the manifest.
import { readFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";

// refuse ends with a line that says what is wrong.
const refuse = (line) => {
  console.error(line);
  process.exit(1);
};

const [folder, file] = process.argv.slice(2);
if (!file) refuse("usage: node density.js FOLDER events.csv");
const manifest = JSON.parse(readFileSync(`${folder}/manifest.json`, "utf8"));
const [names, ...rows] = readFileSync(file, "utf8").trim().split(/\r?\n/).map((line) => line.split(","));

// matrix has an event a row, in the order of the manifest.
const matrix = (columns) => {
  const at = columns.map(({ name }) => {
    if (!names.includes(name)) refuse(`${file}: there is no column ${name}; there are ${names.join(", ")}`);
    return names.indexOf(name);
  });
  const number = (cell, name, e) => { // an empty cell would be 0
    if (!cell?.trim() || !Number.isFinite(Number(cell))) refuse(`${file}: row ${e + 1}: ${name} is "${cell ?? ""}", which is no number`);
    return Number(cell);
  };
  const values = rows.flatMap((row, e) => at.map((i) => number(row[i], names[i], e)));
  return new Tensor("float32", Float32Array.from(values), [rows.length, columns.length]);
};

const run = async (name, feeds) => {
  const session = await InferenceSession.create(`${folder}/${name}.onnx`);
  return (await session.run(feeds))[session.outputNames[0]];
};

const given = manifest.context.length ? { context: matrix(manifest.context) } : {};
const features = matrix(manifest.features);
const logProb = await run("log_prob", { features, ...given });
console.log([...names, "log_prob"].join(","));
rows.forEach((row, e) => console.log([...row, logProb.data[e]].join(",")));

if (manifest.latent) { // an ensemble has none
  const latent = await run("to_latent", { features, ...given });
  const back = await run("to_data", { latent, ...given });
  const astray = Math.max(...features.data.map((v, i) => Math.abs(back.data[i] - v) / (1 + Math.abs(v))));
  console.error(`${rows.length} events, to the latent and back within ${astray.toExponential(1)}`);
}
