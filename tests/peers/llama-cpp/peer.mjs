// llama.cpp as a contender of `alpaca bench inference`, through node-llama-cpp: evaluates token ids and takes the most likely token, nothing else.
// usage: node peer.mjs FOLDER-WITH-NODE_MODULES FILE.gguf THREADS CONTEXT-LENGTH SEQUENCES
// Says {"loadSeconds"} once it is ready; then answers each line {"prompts": [[ids], ...], "newTokens"} of standard input with {"firstTokenSeconds": [...], "seconds", "decodeSeconds", "decodedTokens", "ids"}.
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [folder, file, threads, contextLength, sequences] = process.argv.slice(2);
const { getLlama, LlamaLogLevel } = await import(pathToFileURL(join(resolve(folder), 'node_modules', 'node-llama-cpp', 'dist', 'index.js')).href);
const say = message => process.stdout.write(JSON.stringify(message) + '\n');
const now = () => performance.now() / 1000;

const begin = now();
const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: LlamaLogLevel.error, logger: (_, text) => process.stderr.write(text + '\n'), maxThreads: Number(threads) });
const model = await llama.loadModel({ modelPath: file, gpuLayers: 0 });
const context = await model.createContext({ contextSize: Number(contextLength), batchSize: 512, threads: Number(threads), sequences: Number(sequences) });
const slots = Array.from({ length: Number(sequences) }, () => context.getSequence());
say({ loadSeconds: now() - begin });

for await (const line of createInterface({ input: process.stdin })) {
    const { prompts, newTokens } = JSON.parse(line);
    for (const slot of slots) await slot.clearHistory();
    const times = prompts.map(() => new Float64Array(newTokens)), ids = [], start = now();
    await Promise.all(prompts.map(async (prompt, stream) => {
        let count = 0;
        for await (const token of slots[stream].evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
            times[stream][count++] = now() - start;
            if (stream === 0) ids.push(token);
            if (count === newTokens) break;
        }
        if (count < newTokens) throw new Error(`llama.cpp gave ${count} of ${newTokens} tokens`);
    }));

    // Decoding is what happens while all streams are past their prompts and none has ended.
    const from = Math.max(...times.map(t => t[0])), to = Math.min(...times.map(t => t[newTokens - 1]));
    const decodedTokens = times.reduce((sum, t) => sum + t.filter(at => at > from && at <= to).length, 0);
    say({ firstTokenSeconds: times.map(t => t[0]), seconds: now() - start, decodeSeconds: to - from, decodedTokens, ids });
}
process.exit(0);
