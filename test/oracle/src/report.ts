import type { Comparison } from './compare.ts';

/** The verdict as text: counts, what is parked by code, and the first findings in full. */
export function formatReport(result: Comparison, options: { readonly maxFindings?: number } = {}): string {
  const { mismatches, duplicates, parked } = result;
  const max = options.maxFindings ?? 20;
  const lines = [
    `${result.tenant}: ${result.people} people, ${result.units} units, ${result.roles} roles; ${result.compared} compared, ` +
      `${parked.length} parked, ${mismatches.length} mismatches, ${duplicates.length} duplicates`,
  ];
  for (const [code, group] of Map.groupBy(parked, (one) => `${one.kind} ${one.code}`)) {
    lines.push(
      `  parked    ${code}: ${group.length} (${group
        .slice(0, 5)
        .map((one) => one.sourceId)
        .join(', ')})`,
    );
  }
  for (const one of mismatches.slice(0, max)) {
    const values = `expected ${JSON.stringify(one.expected)}, is ${JSON.stringify(one.actual)}`;
    lines.push(`  mismatch  ${one.kind} ${one.sourceId} ${one.field}: ${values}; rule: ${one.rule}`);
  }
  for (const one of duplicates.slice(0, max)) {
    lines.push(`  duplicate ${one.kind} by ${one.by} ${one.value}: target ids ${one.targetIds.join(', ')}`);
  }
  const left = Math.max(mismatches.length - max, 0) + Math.max(duplicates.length - max, 0);
  return left > 0 ? [...lines, `  … and ${left} more`].join('\n') : lines.join('\n');
}
