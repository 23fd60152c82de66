// Recorded answers of language models: the project's own, and those of the folders that TIDEGATE_CORPORA lists.
// Knows chat-completion chunks; lines of other forms are passed over.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './gateway.mjs';

/** The answers, each as `{ name, chunks, text, others }`: lines, their text, and the deltas that say something else. */
export function answers() {
  const folders = (process.env.TIDEGATE_CORPORA ?? '').split(':').filter(Boolean);
  const files = [join(REPOSITORY, 'corpora/openai_stream.jsonl')];
  for (const folder of folders) files.push(join(folder, 'llm_stream.jsonl'), join(folder, 'openai_stream.jsonl'));
  return [...new Set(files)].filter(existsSync).flatMap(answersOf);
}

function answersOf(file) {
  const byId = new Map();
  for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
    const { object, id } = JSON.parse(line);
    if (object !== 'chat.completion.chunk') continue;
    if (!byId.has(id)) byId.set(id, []);
    byId.get(id).push(line);
  }
  return [...byId].map(([name, chunks]) => ({ name, chunks, ...said(chunks) }));
}

function said(chunks) {
  const deltas = chunks.flatMap((line) => JSON.parse(line).choices.map(({ delta }) => delta));
  const text = deltas.map(({ content }) => content ?? '').join('');
  return { text, others: deltas.filter(saysSomethingElse) };
}

/** Whether a delta holds more than a role and text: such deltas are agent events, and pass untouched. */
function saysSomethingElse(delta) {
  const { role, content, ...others } = delta;
  return Object.values(others).some((value) => value !== null && value !== '' && value.length !== 0);
}
