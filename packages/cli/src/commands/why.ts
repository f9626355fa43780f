import { AppError } from '@orgstream/core';
import type { Attempt, ObjectDetail } from '@orgstream/control-api';
import type { Command } from 'commander';
import { integrationName, reference } from '../arguments.ts';
import type { Cli } from '../cli.ts';
import { integrationId } from '../control.ts';
import { leaf, type LeafOptions } from '../leaf.ts';
import { oneLine, show, table } from '../output.ts';
import { changeOf } from './run.ts';

/** `why`: everything on record about one object. */
export function addWhyCommand(program: Command, cli: Cli): void {
  leaf(program, 'why', {
    description:
      'why an object is as it is: source position, facts, decision, calls, answers; desired, applied and observed',
    examples: [
      ['why eu1.42 person/7'],
      [
        'why 0f8c2f0e-6c0b-4a56-9a3e-2c1d7f9b8a10 unit/12 --no-explain',
        'by the integration; without asking Learningbank',
      ],
    ],
  })
    .argument('<integration>', 'its id, or a tenant that has one integration', integrationName)
    .argument('<object>', 'person/7, unit/12 or role/3', reference)
    .option('--no-explain', 'only what is on record: ask neither planner nor Learningbank')
    .action(
      async (
        integration: string,
        object: ReturnType<typeof reference>,
        options: LeafOptions & { explain: boolean },
      ) => {
        if (object.hash !== undefined) throw new AppError('USAGE', 'give the object without its hash');
        const control = cli.control();
        const detail = await control.getObject({
          params: { integration: await integrationId(cli, { integration }), kind: object.kind, id: object.id },
          query: { explain: String(options.explain) as 'true' | 'false' },
        });
        show(detail, options, renderWhy);
      },
    );
}

/** The story of an object, in the order in which it happened. */
export function renderWhy(detail: ObjectDetail): string {
  const { kind, id, name, tenant, summary } = detail;
  return [
    `${kind}/${id}${name === null ? '' : ` ${oneLine(name)}`} of ${tenant}`,
    summary,
    ...section('facts (what the source says)', detail.facts.map(factLine)),
    ...section('decision', decisionLines(detail)),
    ...section(
      'runs',
      detail.runs.map((run) => `${run.createdAt}  ${run.kind} ${run.run}: ${run.code ?? run.state}`),
    ),
    ...section('calls (oldest first)', detail.attempts.toReversed().map(callLine)),
    ...section('side by side', sideBySide(detail)),
  ].join('\n');
}

const section = (head: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0
    ? []
    : [
        '',
        head,
        ...lines.map((line) =>
          line
            .split('\n')
            .map((part) => `  ${part}`)
            .join('\n'),
        ),
      ];

const position = ({ epoch, lsn }: { readonly epoch: string; readonly lsn: string }): string => `${epoch}/${lsn}`;

function factLine(fact: ObjectDetail['facts'][number]): string {
  const fields = Object.entries(fact.fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const marks = [
    ...(fact.deleted ? ['deleted'] : []),
    ...(fact.rejected === null ? [] : [`newer record rejected: ${fact.rejected}`]),
  ];
  const place = `at ${position(fact.position)} offset ${fact.position.offset}`;
  return `${fact.committedAt}  ${fact.kind}/${fact.id} ${place}  ${[...marks, ...fields].join(' ')}`;
}

function decisionLines({ work, resolution }: ObjectDetail): readonly string[] {
  const decided = resolution
    ? [`${resolution.decidedAt}  ${resolution.decidedBy ?? 'an operator'} decided: ${resolution.action}`]
    : [];
  if (work === null) return [...decided, 'in step: nothing is outstanding'];
  const { state, lane, code, rule, remedy, waitsFor, operations, hash, cause } = work;
  const why = code === null ? '' : `, ${code}${rule === null ? '' : `: ${rule}`}`;
  return [
    ...decided,
    `${work.markedAt}  ${state} (lane ${lane})${why}`,
    ...(operations.length > 0 ? [`would do: ${operations.join(', ')}${hash === null ? '' : ` (hash ${hash})`}`] : []),
    ...(waitsFor === null ? [] : [`waits for ${waitsFor.kind}/${waitsFor.id}`]),
    `because of the change at ${position(cause)}, committed ${work.committedAt}`,
    ...(remedy === null ? [] : [`next: ${remedy}`]),
  ];
}

function callLine(attempt: Attempt): string {
  const answer =
    attempt.state === 'sent'
      ? 'no answer yet'
      : `${attempt.state}${attempt.status === null ? '' : ` HTTP ${attempt.status}`}`;
  const change = changeOf(attempt);
  return [
    `${attempt.sentAt}  ${attempt.op}${attempt.targetId === null ? '' : ` #${attempt.targetId}`} -> ${answer}`,
    ...(attempt.code === null ? [] : [attempt.code]),
    ...(attempt.approved ? ['approved'] : []),
    `(${[...(change === '' ? [] : [change]), `cause ${position(attempt.cause)}`].join('; ')})`,
  ].join(' ');
}

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;

/** What should be, what we wrote, what Learningbank shows now. */
function sideBySide(detail: ObjectDetail): readonly string[] {
  const explained = fieldsOf(detail.explained);
  const observed = fieldsOf(explained?.['observed']);
  const applied = fieldsOf(explained?.['applied']) ?? detail.link?.applied ?? null;
  const wanted = fieldsOf(explained?.['desired']);
  const columns = [
    // The planner names what is to differ; the rest is wanted as it was applied.
    wanted === null ? null : { ...applied, ...wanted },
    applied,
    fieldsOf(observed?.['value']),
  ];
  const names = [...new Set(columns.flatMap((fields) => Object.keys(fields ?? {})))];
  const rows = names.map((name) => [name, ...columns.map((fields) => cell(fields, name))]);
  return [
    ...(rows.length === 0 ? [] : [table(['field', 'desired', 'applied', 'observed'], rows)]),
    ...(observed === null || observed['state'] === 'seen' ? [] : [`observed: ${sayObserved(observed)}`]),
    ...sayNext(fieldsOf(explained?.['next'])),
    ...(detail.explainedNote === null ? [] : [detail.explainedNote]),
  ];
}

const cell = (fields: Fields | null, name: string): string =>
  fields === null || fields[name] === undefined ? '' : JSON.stringify(fields[name]);

const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function sayObserved({ state, code, targetId }: Fields): string {
  const about = [
    ...(targetId === undefined ? [] : [`#${plain(targetId)}`]),
    ...(code === undefined ? [] : [plain(code)]),
  ];
  return [plain(state).replaceAll('_', ' '), ...about].join(' ');
}

/** What the planner would do now. */
function sayNext(next: Fields | null): readonly string[] {
  if (next === null || next['kind'] === 'settled') return [];
  const { kind, ...more } = next;
  const facts = Object.entries(more).flatMap(([name, value]) => (value === null ? [] : [`${name} ${plain(value)}`]));
  return [`the planner says: ${[plain(kind).replaceAll('_', ' '), ...facts].join(', ')}`];
}
