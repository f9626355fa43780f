/** `npm run generate`: everything in the repository that is made from something else. */
await import('./generate-types.ts');
await import('./generate-docs.ts');
