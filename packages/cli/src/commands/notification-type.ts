import { AppError } from '@orgstream/core';
import type { NotificationType } from '@orgstream/control-api';
import { InvalidArgumentError, type Command } from 'commander';
import { onOff } from '../arguments.ts';
import type { Cli } from '../cli.ts';
import { aboutIntegration, allItems, from, paramsOf } from '../control.ts';
import { readJson } from '../input.ts';
import { leaf, type LeafOptions } from '../leaf.ts';
import { oneLine, print, printJson, show, showRows } from '../output.ts';
import { underTag } from '../under-tag.ts';

/** `notification types|set|preview`. */
export function addNotificationTypeCommands(notification: Command, cli: Cli): void {
  addTypes(notification, cli);
  addSet(notification, cli);
  addPreview(notification, cli);
}

function addTypes(notification: Command, cli: Cli): void {
  aboutIntegration(
    leaf(notification, 'types', {
      description: 'notification types of Learningbank, with our switch and the languages of our texts',
      examples: [['notification types eu1.42'], ['notification types eu1.42 --json', 'with texts and merge fields']],
    }),
  ).action(async (text: string, options: LeafOptions) => {
    const params = await paramsOf(cli, text);
    const types = await allItems((cursor) =>
      cli.control().listNotificationTypes({ params, query: { ...from(cursor) } }),
    );
    const none = 'none is known yet: edge asks Learningbank for them once there is a channel';
    showRows(types, { ...options, none }, ['type', 'name', 'in Learningbank', 'here', 'texts', 'fields'], (one) => [
      one.type,
      one.name ?? '',
      inLearningbank(one),
      one.enabled ? 'on' : 'off',
      Object.keys(one.texts).join(', ') || "Learningbank's",
      one.fields.join(', '),
    ]);
  });
}

function inLearningbank({ enabledInLearningbank, mandatory }: NotificationType): string {
  if (enabledInLearningbank === null) return 'unknown';
  return enabledInLearningbank ? (mandatory ? 'on, mandatory' : 'on') : 'off';
}

interface SetOptions extends LeafOptions {
  readonly enabled?: boolean;
  readonly text?: Readonly<Record<string, string>>;
  readonly removeText?: readonly string[];
  readonly texts?: string;
}

function addSet(notification: Command, cli: Cli): void {
  aboutIntegration(
    leaf(notification, 'set', {
      description: 'switch a notification type on or off, edit its texts; languages left out stay',
      notes: "Merge fields stand in braces: {{firstName}}, {{link}}. `notification types --json` has a type's fields.",
      examples: [
        ['notification set eu1.42 module.assigned --enabled off'],
        ["notification set eu1.42 module.assigned --text 'da=Hej {{firstName}}: {{moduleName}} venter, {{link}}'"],
        ['notification set eu1.42 module.assigned --remove-text sv', "back to another language's, or Learningbank's"],
        ['notification set eu1.42 module.assigned --texts texts.json'],
      ],
    }),
  )
    .argument('<type>', 'type, for example module.assigned')
    .option('--enabled <on|off>', 'off: what comes of this type is skipped', onOff)
    .option('--text <language=text>', 'text of a language; may be given more than once', pairs)
    .option('--remove-text <language...>', 'text of a language is removed')
    .option('--texts <file>', 'JSON file, language to text; - reads standard input')
    .action(async (text: string, type: string, options: SetOptions) => {
      const control = cli.control();
      const body = await editOf(options);
      const params = { ...(await paramsOf(cli, text)), type };
      const changed = await underTag(
        async () => (await control.getNotificationType({ params })).version,
        (ifMatch) => control.changeNotificationType({ params, body, ifMatch }),
      );
      if (options.json) return printJson(changed);
      const { notificationType: now, warnings } = changed;
      warn(warnings);
      print(
        `${now.type}: ${now.enabled ? 'on' : 'off'}; texts: ${Object.keys(now.texts).join(', ') || "Learningbank's"}`,
      );
    });
}

interface Edit {
  readonly enabled?: boolean;
  readonly texts?: Record<string, string | null>;
}

async function editOf({ enabled, text, removeText, texts: file }: SetOptions): Promise<Edit> {
  const given = file === undefined ? {} : await readJson(file, '--texts');
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new AppError('USAGE', '--texts: it takes a JSON object, language to text');
  }
  const removed = Object.fromEntries((removeText ?? []).map((language) => [language, null]));
  const texts = { ...given, ...removed, ...text } as Record<string, string | null>;
  if (enabled === undefined && Object.keys(texts).length === 0) {
    throw new AppError('USAGE', 'give --enabled, --text, --texts or --remove-text');
  }
  return { ...(enabled === undefined ? {} : { enabled }), ...(Object.keys(texts).length === 0 ? {} : { texts }) };
}

interface PreviewOptions extends LeafOptions {
  readonly language?: string;
  readonly text?: string;
  readonly field?: Readonly<Record<string, string>>;
}

function addPreview(notification: Command, cli: Cli): void {
  aboutIntegration(
    leaf(notification, 'preview', {
      description: 'the message that a text would make; nothing is sent',
      examples: [
        ['notification preview eu1.42 module.assigned --language da'],
        ["notification preview eu1.42 module.assigned --text 'Hi {{firstName}}: {{link}}' --field firstName=Ida"],
      ],
    }),
  )
    .argument('<type>', 'type, for example module.assigned')
    .option('--language <code>', "the receiver's; left out: that of the channel")
    .option('--text <text>', 'instead of the text in force')
    .option('--field <name=value>', 'value of a merge field; those left out are filled with samples', pairs)
    .action(async (text: string, type: string, options: PreviewOptions) => {
      const { language, text: given, field } = options;
      const body = {
        ...(language === undefined ? {} : { language }),
        ...(given === undefined ? {} : { text: given }),
        ...(field === undefined ? {} : { fields: { ...field } }),
      };
      const params = { ...(await paramsOf(cli, text)), type };
      const preview = await cli.control().previewNotificationType({ params, body });
      if (!options.json) warn(preview.warnings);
      show(preview, options, ({ text: message }) => message);
    });
}

function warn(warnings: readonly string[]): void {
  for (const warning of warnings) process.stderr.write(`warning: ${oneLine(warning)}\n`);
}

/** `name=value`, given more than once. */
function pairs(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError(`${text} is not name=value.`);
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
