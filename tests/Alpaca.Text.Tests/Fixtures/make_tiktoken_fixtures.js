#!/usr/bin/env node
/* Trains the tiny tiktoken vocabulary of the tests and writes what tiktoken and Hugging Face's tokenizers make of many texts with it.

usage: npm install tiktoken @anush008/tokenizers; node make_tiktoken_fixtures.js      (writes beside itself)

  llama3.tiktoken   all bytes, in another order than their own, and pairs that are frequent in a text
  llama3.json       {"encode": [{"text", "tiktoken": ids, "tokenizers": ids}], "decode": [{"ids", "text"}]}; tokenizers splits at special tokens, tiktoken does not
*/
const fs = require('fs'), os = require('os'), path = require('path');
const { Tiktoken } = require('tiktoken/lite'), { Tokenizer } = require('@anush008/tokenizers');

const PATTERN = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const TEXT = `The quick brown fox jumps over the lazy dog. She sells sea shells by the sea shore, it's they're I'll 2023 1234.
Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n### Instruction:\n
为什么要减少污染，保护环境？因为干净的空气和水对每个人的健康都很重要。白日依山尽，黄河入海流。人工智能是计算机科学、心理学、哲学等学科融合的交叉学科。
學而時習之 naïve café привет мир 日本語テスト 한국어 مرحبا 😀👍🏽🇨🇳 𠮷野家 𝐀𝐁 𝟘𝟙  aaaa aaaaa ababab\t\tif x:\n    return y\n\n`.repeat(2);
const SPECIAL = ['<|begin_of_text|>', '<|end_of_text|>', '<|eot_id|>'];

let seed = 20240418;
const random = n => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0, Math.floor(seed / 4294967296 * n));
const pieces = [...Array(256).keys()].map(i => String.fromCharCode(i ^ 0x21)); // bytes as Latin-1 text
const words = [...TEXT.matchAll(new RegExp(PATTERN.replace('(?i:', '(?:'), 'gu'))].map(m => [...Buffer.from(m[0]).toString('latin1')]);
for (let n = 0; n < 420; n++) {
  const counts = new Map();
  for (const word of words) for (let i = 0; i + 1 < word.length; i++) counts.set(word[i] + word[i + 1], (counts.get(word[i] + word[i + 1]) ?? 0) + 1);
  const union = [...counts].filter(([u]) => !pieces.includes(u)).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0][0];
  pieces.push(union);
  for (const word of words) for (let i = 0; i + 1 < word.length; i++) if (word[i] + word[i + 1] === union) word.splice(i, 2, union);
}
const ranks = pieces.map((piece, rank) => `${Buffer.from(piece, 'latin1').toString('base64')} ${rank}`).join('\n') + '\n';
fs.writeFileSync(path.join(__dirname, 'llama3.tiktoken'), ranks);

const printable = b => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
let next = 256;
const alphabet = [...Array(256).keys()].map(b => String.fromCharCode(printable(b) ? b : next++));
const written = pieces.map(piece => [...piece].map(c => alphabet[c.charCodeAt(0)]).join(''));
const merges = written.flatMap(piece => [...Array(piece.length - 1).keys()].map(i => [piece.slice(0, i + 1), piece.slice(i + 1)])
  .filter(([left, right]) => written.includes(left) && written.includes(right)).sort((a, b) => written.indexOf(a[0]) - written.indexOf(b[0])));
const json = {
  version: '1.0', truncation: null, padding: null, normalizer: null, post_processor: null,
  added_tokens: SPECIAL.map((content, i) => ({ id: pieces.length + i, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true })),
  pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Split', pattern: { Regex: PATTERN }, behavior: 'Isolated', invert: false }, { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }] },
  decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: { type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false, byte_fallback: false, ignore_merges: true,
    vocab: Object.fromEntries(written.map((piece, id) => [piece, id])), merges: merges.map(merge => merge.join(' ')) },
};
const file = path.join(os.tmpdir(), `tokenizer-${process.pid}.json`);
fs.writeFileSync(file, JSON.stringify(json));
const tokenizers = Tokenizer.fromFile(file);
fs.unlinkSync(file);
const tiktoken = new Tiktoken('! ' + '0 ' + pieces.map(piece => Buffer.from(piece, 'latin1').toString('base64')).join(' '), {}, PATTERN);

const odd = ['', ' ', '  ', '\n', '\r\n', '\t', ' \n ', '\u3000', '\u00a0', '\u0085', '\u2028', '\0', '\ufffd', '\ufeff', '\u200b', "'s", "'S", "'ſ", "'ll", "'VE", "'re", "'", '123', '1234', '٣', 'Ⅷ', '½', '𝟘', '𝐀', '𠮷',
  '😀', '👩\u200d👩\u200d👧', '🇨🇳', 'e\u0301', 'क्षि', '!', '...', ' !\n', 'ababab', 'aaaaaaa', 'aa', ...SPECIAL, '▁', '<0x0A>', ...TEXT.split(/(?<=[\s，。])/u)];
const texts = [...odd, ...Array.from({ length: 250 }, () => Array.from({ length: 1 + random(9) }, () => odd[random(odd.length)]).join('')), 'aaaa'.repeat(60), '为什么要减少污染'.repeat(40), TEXT];
(async () => {
  const encode = [];
  for (const text of texts) encode.push({ text, tiktoken: [...tiktoken.encode(text, [], [])], tokenizers: (await tokenizers.encode(text, null, { addSpecialTokens: false })).getIds() });
  const decode = [];
  for (let n = 0; n < 150; n++) {
    const ids = Array.from({ length: 1 + random(12) }, () => random(3) ? random(pieces.length + SPECIAL.length) : random(256));
    decode.push({ ids, text: await tokenizers.decode(ids, true), withSpecial: await tokenizers.decode(ids, false) });
  }
  const escaped = JSON.stringify({ encode, decode }).replace(/[\u007f-\uffff]/g, c => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));
  fs.writeFileSync(path.join(__dirname, 'llama3.json'), escaped + '\n');
  console.log(pieces.length, merges.length, encode.filter(e => !SPECIAL.some(s => e.text.includes(s)) && e.tiktoken.join() !== e.tokenizers.join()).length, 'texts differ between the two');
})();
