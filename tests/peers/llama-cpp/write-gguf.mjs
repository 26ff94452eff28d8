// Writes a LLaMA in Hugging Face's form as a GGUF file for llama.cpp, with the same weights and a vocabulary of made-up pieces.
// usage: node write-gguf.mjs MODEL-FOLDER FILE f32|q8_0|q4_0
// Every matrix whose rows are whole blocks gets the type asked for (as llama.cpp's own `--pure`), everything else is float32.
import { closeSync, existsSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const ALIGNMENT = 32, BLOCK = 32;
const TYPES = { f32: { id: 0, fileType: 0, blockBytes: 4 * BLOCK }, q8_0: { id: 8, fileType: 7, blockBytes: 2 + BLOCK }, q4_0: { id: 2, fileType: 2, blockBytes: 2 + BLOCK / 2 } };
const align = (n, to = ALIGNMENT) => Math.ceil(n / to) * to;

// ---- safetensors

class Safetensors {
    constructor(folder) {
        this.tensors = new Map();
        const index = join(folder, 'model.safetensors.index.json');
        const names = existsSync(index) ? new Set(Object.values(JSON.parse(readFileSync(index, 'utf8')).weight_map)) : ['model.safetensors'];
        for (const name of names) {
            const file = openSync(join(folder, name), 'r');
            const length = Number(read(file, 0, 8).readBigUInt64LE(0));
            for (const [key, entry] of Object.entries(JSON.parse(read(file, 8, length).toString('utf8')))) {
                if (key === '__metadata__') continue;
                const { dtype, data_offsets: [first, end] } = entry;
                this.tensors.set(key, { file, dtype, at: 8 + length + first, bytes: end - first });
            }
        }
    }

    has(name) { return this.tensors.has(name); }

    /** The values as float32. */
    floats(name) {
        const { file, dtype, at, bytes } = this.tensors.get(name);
        const data = read(file, at, bytes);
        if (dtype === 'F32') return new Float32Array(data.buffer, data.byteOffset, bytes / 4);
        if (dtype !== 'F16' && dtype !== 'BF16') throw new Error(`${name} is ${dtype}; only F32, F16 and BF16 are read`);
        const halves = new Uint16Array(data.buffer, data.byteOffset, bytes / 2), values = new Float32Array(halves.length);
        const bits = new Uint32Array(values.buffer);
        if (dtype === 'BF16') for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
        else for (let i = 0; i < halves.length; i++) values[i] = HALF[halves[i]];
        return values;
    }
}

function read(file, at, bytes) {
    const buffer = Buffer.from(new ArrayBuffer(bytes)); // its own memory, so that it is aligned
    for (let done = 0; done < bytes;) {
        const count = readSync(file, buffer, done, Math.min(bytes - done, 1 << 30), at + done);
        if (count === 0) throw new Error('a file of weights ends early');
        done += count;
    }
    return buffer;
}

const HALF = Float32Array.from({ length: 1 << 16 }, (_, h) => {
    const exponent = (h >> 10) & 31, mantissa = h & 1023, sign = h >> 15 ? -1 : 1;
    return exponent === 31 ? (mantissa ? NaN : sign * Infinity) : sign * (exponent ? 2 ** (exponent - 25) * (1024 + mantissa) : 2 ** -24 * mantissa);
});

const single = new Float32Array(1), singleBits = new Uint32Array(single.buffer);

/** The bits of the nearest float16, ties to even. */
export function toHalf(value) {
    const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0, size = Math.abs(value);
    if (size < 2 ** -14) return sign | roundToEven(size * 2 ** 24);
    if (!(size < 65520)) return sign | (size !== size ? 0x7e00 : 0x7c00);
    single[0] = size;
    const exponent = (singleBits[0] >>> 23) - 127;
    return sign | (((exponent + 15) << 10) + (roundToEven(size * 2 ** (10 - exponent)) - 1024));
}

function roundToEven(x) {
    const floor = Math.floor(x), rest = x - floor;
    return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

// ---- quantization, as ggml-quants.c does it

export function quantizeQ4(values) {
    const out = Buffer.alloc(values.length / BLOCK * TYPES.q4_0.blockBytes);
    for (let at = 0, to = 0; at < values.length; at += BLOCK, to += TYPES.q4_0.blockBytes) {
        let size = 0, largest = 0;
        for (let i = at; i < at + BLOCK; i++) if (Math.abs(values[i]) > size) size = Math.abs(largest = values[i]);
        const scale = Math.fround(largest / -8), inverse = scale ? 1 / scale : 0;
        out.writeUInt16LE(toHalf(scale), to);
        for (let i = 0; i < BLOCK / 2; i++) {
            const low = Math.min(15, Math.trunc(values[at + i] * inverse + 8.5)), high = Math.min(15, Math.trunc(values[at + BLOCK / 2 + i] * inverse + 8.5));
            out[to + 2 + i] = low | (high << 4);
        }
    }
    return out;
}

export function quantizeQ8(values) {
    const out = Buffer.alloc(values.length / BLOCK * TYPES.q8_0.blockBytes);
    for (let at = 0, to = 0; at < values.length; at += BLOCK, to += TYPES.q8_0.blockBytes) {
        let size = 0;
        for (let i = at; i < at + BLOCK; i++) size = Math.max(size, Math.abs(values[i]));
        const scale = Math.fround(size / 127), inverse = scale ? 1 / scale : 0;
        out.writeUInt16LE(toHalf(scale), to);
        for (let i = 0; i < BLOCK; i++) out.writeInt8(Math.sign(values[at + i]) * Math.floor(Math.abs(values[at + i] * inverse) + 0.5), to + 2 + i);
    }
    return out;
}

// ---- the model

/** llama.cpp turns neighbouring elements of a head together, Hugging Face's layout the two halves: row 2i+j of a head is its row j*size/2+i. */
function interleave(values, heads, columns) {
    const rows = values.length / columns, size = rows / heads, out = new Float32Array(values.length);
    for (let row = 0; row < rows; row++) {
        const head = Math.floor(row / size), i = (row % size) >> 1, j = row & 1, source = head * size + j * size / 2 + i;
        out.set(values.subarray(source * columns, (source + 1) * columns), row * columns);
    }
    return out;
}

function describe(config, weights) {
    const { hidden_size: hidden, intermediate_size: ffn, num_hidden_layers: layers, num_attention_heads: heads, vocab_size: vocabulary } = config;
    const keyValueHeads = config.num_key_value_heads ?? heads, head = config.head_dim ?? hidden / heads;
    const tensors = [];
    const add = (name, source, shape, turned = 0) => tensors.push({ name, source, shape, turned });
    add('token_embd.weight', 'model.embed_tokens.weight', [vocabulary, hidden]);
    for (let i = 0; i < layers; i++) {
        const [to, from] = [`blk.${i}`, `model.layers.${i}`];
        add(`${to}.attn_norm.weight`, `${from}.input_layernorm.weight`, [hidden]);
        add(`${to}.attn_q.weight`, `${from}.self_attn.q_proj.weight`, [heads * head, hidden], heads);
        add(`${to}.attn_k.weight`, `${from}.self_attn.k_proj.weight`, [keyValueHeads * head, hidden], keyValueHeads);
        add(`${to}.attn_v.weight`, `${from}.self_attn.v_proj.weight`, [keyValueHeads * head, hidden]);
        add(`${to}.attn_output.weight`, `${from}.self_attn.o_proj.weight`, [hidden, heads * head]);
        add(`${to}.ffn_norm.weight`, `${from}.post_attention_layernorm.weight`, [hidden]);
        add(`${to}.ffn_gate.weight`, `${from}.mlp.gate_proj.weight`, [ffn, hidden]);
        add(`${to}.ffn_up.weight`, `${from}.mlp.up_proj.weight`, [ffn, hidden]);
        add(`${to}.ffn_down.weight`, `${from}.mlp.down_proj.weight`, [hidden, ffn]);
    }
    add('output_norm.weight', 'model.norm.weight', [hidden]);
    if (weights.has('lm_head.weight')) add('output.weight', 'lm_head.weight', [vocabulary, hidden]);
    return tensors;
}

function metadata(config, type) {
    const heads = config.num_attention_heads, vocabulary = config.vocab_size;
    if (config.rope_scaling) throw new Error('rope_scaling is not written; take a model without it');
    if (vocabulary < 259) throw new Error(`a vocabulary of ${vocabulary} has no room for the 256 bytes that llama.cpp asks for`);
    const hex = byte => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
    const ids = Array.from({ length: vocabulary }, (_, i) => i);
    return [
        ['general.architecture', 'string', 'llama'],
        ['general.name', 'string', 'bench'],
        ['general.file_type', 'uint32', TYPES[type].fileType],
        ['llama.block_count', 'uint32', config.num_hidden_layers],
        ['llama.context_length', 'uint32', config.max_position_embeddings],
        ['llama.embedding_length', 'uint32', config.hidden_size],
        ['llama.feed_forward_length', 'uint32', config.intermediate_size],
        ['llama.attention.head_count', 'uint32', heads],
        ['llama.attention.head_count_kv', 'uint32', config.num_key_value_heads ?? heads],
        ['llama.attention.layer_norm_rms_epsilon', 'float32', config.rms_norm_eps],
        ['llama.rope.dimension_count', 'uint32', config.head_dim ?? config.hidden_size / heads],
        ['llama.rope.freq_base', 'float32', config.rope_theta ?? 10000],
        ['llama.vocab_size', 'uint32', vocabulary],
        ['tokenizer.ggml.model', 'string', 'llama'],
        ['tokenizer.ggml.tokens', 'string', ids.map(i => ['<unk>', '<s>', '</s>'][i] ?? (i < 259 ? hex(i - 3) : `▁w${i}`))],
        ['tokenizer.ggml.scores', 'float32', ids.map(i => (i < 259 ? 0 : 259 - i))],
        ['tokenizer.ggml.token_type', 'int32', ids.map(i => (i === 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1))], // unknown, control, byte, normal
        ['tokenizer.ggml.unknown_token_id', 'uint32', 0],
        ['tokenizer.ggml.bos_token_id', 'uint32', 1],
        ['tokenizer.ggml.eos_token_id', 'uint32', 2],
    ];
}

// ---- GGUF, version 3

const VALUE_TYPES = { uint32: 4, int32: 5, float32: 6, string: 8, array: 9 };
const uint32 = n => { const b = Buffer.alloc(4); b.writeUInt32LE(n); return b; };
const uint64 = n => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(n)); return b; };
const string = text => { const utf8 = Buffer.from(text, 'utf8'); return Buffer.concat([uint64(utf8.length), utf8]); };

function value(type, v) {
    if (type === 'string') return string(v);
    const b = Buffer.alloc(4);
    if (type === 'uint32') b.writeUInt32LE(v); else if (type === 'int32') b.writeInt32LE(v); else b.writeFloatLE(v);
    return b;
}

function pair([key, type, v]) {
    return Array.isArray(v)
        ? [string(key), uint32(VALUE_TYPES.array), uint32(VALUE_TYPES[type]), uint64(v.length), ...v.map(item => value(type, item))]
        : [string(key), uint32(VALUE_TYPES[type]), value(type, v)];
}

export function writeGguf(folder, file, type) {
    if (!(type in TYPES)) throw new Error(`there is no type ${type}; there are ${Object.keys(TYPES).join(', ')}`);
    const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')), weights = new Safetensors(folder);
    const tensors = describe(config, weights), pairs = metadata(config, type);
    let offset = 0;
    for (const tensor of tensors) {
        const columns = tensor.shape.at(-1), elements = tensor.shape.reduce((a, b) => a * b);
        tensor.type = tensor.shape.length === 2 && columns % BLOCK === 0 ? type : 'f32';
        tensor.bytes = tensor.type === 'f32' ? 4 * elements : elements / BLOCK * TYPES[tensor.type].blockBytes;
        tensor.offset = offset;
        offset = align(offset + tensor.bytes);
    }

    const header = Buffer.concat([
        Buffer.from('GGUF'), uint32(3), uint64(tensors.length), uint64(pairs.length),
        ...pairs.flatMap(pair),
        // The fastest dimension comes first.
        ...tensors.flatMap(t => [string(t.name), uint32(t.shape.length), ...t.shape.toReversed().map(uint64), uint32(TYPES[t.type].id), uint64(t.offset)]),
    ]);
    const out = openSync(file, 'w');
    writeAll(out, Buffer.concat([header, Buffer.alloc(align(header.length) - header.length)]));
    for (const tensor of tensors) {
        let values = weights.floats(tensor.source);
        if (tensor.turned) values = interleave(values, tensor.turned, tensor.shape[1]);
        const data = tensor.type === 'q4_0' ? quantizeQ4(values) : tensor.type === 'q8_0' ? quantizeQ8(values) : Buffer.from(values.buffer, values.byteOffset, values.byteLength);
        if (data.length !== tensor.bytes) throw new Error(`${tensor.source} has not the shape that config.json says`);
        writeAll(out, data);
        writeAll(out, Buffer.alloc(align(data.length) - data.length));
    }
    closeSync(out);
}

function writeAll(file, data) {
    for (let done = 0; done < data.length;) done += writeSync(file, data, done, Math.min(data.length - done, 1 << 30));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) writeGguf(...process.argv.slice(2, 5));
