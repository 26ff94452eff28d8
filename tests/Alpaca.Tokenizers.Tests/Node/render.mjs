// Renders chat templates with Hugging Face's own library.
// usage: node render.mjs FOLDER-WITH-NODE_MODULES < [{"template", "values"}] > ["text"]
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const require = createRequire(join(resolve(process.argv[2]), 'package.json'));
const { Template } = require('@huggingface/jinja');
const texts = JSON.parse(readFileSync(0, 'utf8')).map(({ template, values }) => new Template(template).render(values));
process.stdout.write(JSON.stringify(texts));
