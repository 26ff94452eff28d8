// Encodes and decodes with Hugging Face's own libraries.
// usage: node encode.mjs FOLDER-WITH-NODE_MODULES < {"folder", "texts"} > {"javascript": [{"ids", "decoded"}], "rust": [...] or null}
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const require = createRequire(join(resolve(process.argv[2]), 'package.json'));
const { folder, texts } = JSON.parse(readFileSync(0, 'utf8'));
const json = name => JSON.parse(readFileSync(join(folder, name), 'utf8'));

const { Tokenizer } = require('@huggingface/tokenizers');
const tokenizer = new Tokenizer(json('tokenizer.json'), json('tokenizer_config.json'));
const javascript = texts.map(text => {
    const { ids } = tokenizer.encode(text);
    return { ids, decoded: tokenizer.decode(ids, { skip_special_tokens: true }) };
});

let rust = null;
try {
    const native = require('@anush008/tokenizers').Tokenizer.fromFile(join(folder, 'tokenizer.json'));
    rust = [];
    for (const text of texts) {
        const ids = Array.from((await native.encode(text)).getIds(), Number);
        rust.push({ ids, decoded: await native.decode(ids, true) });
    }
} catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
}
process.stdout.write(JSON.stringify({ javascript, rust }));
