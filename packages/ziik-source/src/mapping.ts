import { AppError } from '@orgstream/core';
import { z } from 'zod';
import { referenceTables, tableNames, type FieldType, type ReferenceTable, type TableName } from './tables.ts';

/**
 * The mapping file of a source whose names differ from the reference schema: only what differs is listed.
 * `{"tables": {"users": {"table": "app.people", "columns": {"firstName": "given_name", "expiresAtMs": null}}}}`
 */
export const MappingFile = z.strictObject({
  tables: z
    .partialRecord(
      z.enum(tableNames),
      z.strictObject({
        table: z
          .string()
          .regex(/^[^."]+(\.[^."]+)?$/, 'must be <table> or <schema>.<table>')
          .optional()
          .describe('Name at the source, default: the reference name in schema public.'),
        columns: z
          .record(z.string(), z.string().min(1).nullable())
          .optional()
          .describe('Column per field of the record; null = the source has none, the field is always absent.'),
      }),
    )
    .default({}),
});
export type MappingFile = z.infer<typeof MappingFile>;

export interface MappedColumn {
  readonly field: string;
  readonly column: string;
  readonly type: FieldType;
}

/** A captured table: where it is at the source and what its rows become. */
export interface MappedTable extends Omit<ReferenceTable, 'fields'> {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly MappedColumn[];
  /** Fields without a column: always null. */
  readonly absent: readonly string[];
  readonly idColumn: string;
  readonly tenantColumn: string;
}

/** The captured tables of one source, in snapshot order. */
export type SourceMapping = readonly MappedTable[];

/** Resolves a mapping file over the reference schema. Throws CONFIG_INVALID naming what does not fit. */
export function resolveMapping(file: unknown): SourceMapping {
  const parsed = MappingFile.safeParse(file ?? {});
  if (!parsed.success) {
    const where = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    throw new AppError('CONFIG_INVALID', `mapping file: ${where}`);
  }
  return referenceTables.map((reference) => mapTable(reference, parsed.data.tables[reference.name] ?? {}));
}

type TableEntry = NonNullable<MappingFile['tables'][TableName]>;

function mapTable(reference: ReferenceTable, entry: TableEntry): MappedTable {
  const { fields, ...rest } = reference;
  const renamed = entry.columns ?? {};
  for (const field of Object.keys(renamed)) {
    if (!fields.some((one) => one.field === field)) {
      throw new AppError('CONFIG_INVALID', `mapping file: tables.${reference.name}.columns.${field}: no such field`);
    }
  }
  const columns = fields.flatMap(({ field, column, type }) => {
    const name = renamed[field] === undefined ? column : renamed[field];
    return name === null ? [] : [{ field, column: name, type }];
  });
  const columnOf = (field: string): string => {
    const found = columns.find((one) => one.field === field);
    if (!found) {
      throw new AppError('CONFIG_INVALID', `mapping file: tables.${reference.name}.columns.${field}: cannot be null`);
    }
    return found.column;
  };
  const [schema, table] = splitName(entry.table ?? reference.name);
  return {
    ...rest,
    schema,
    table,
    columns,
    absent: fields.filter(({ field }) => renamed[field] === null).map(({ field }) => field),
    idColumn: columnOf('id'),
    tenantColumn: columnOf(reference.tenantField),
  };
}

function splitName(name: string): [schema: string, table: string] {
  const [first, second] = name.split('.') as [string, string | undefined];
  return second === undefined ? ['public', first] : [first, second];
}

/** Quotes an SQL identifier. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `"schema"."table"`. */
export function qualified(table: Pick<MappedTable, 'schema' | 'table'>): string {
  return `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.table)}`;
}
