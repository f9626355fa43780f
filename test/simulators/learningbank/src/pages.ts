import { html, page, type Html } from '@orgstream/simulator-kit';
import type { User } from './model.ts';
import type { Platform } from './platform.ts';

const style = /* css */ `
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: #23202f; background: #f6f4fa; }
header { background: #4b2d8f; color: #fff; padding: 18px 32px; font-weight: 700; display: flex; gap: 16px; }
header span { margin-left: auto; font-weight: 400; }
main { max-width: 760px; margin: 40px auto; padding: 0 24px; }
.card { background: #fff; border-radius: 12px; padding: 24px 28px; margin: 18px 0; box-shadow: 0 1px 4px #0001; }
.card h2 { margin: 0 0 8px; }
.card p { margin: 0; }
.card p + .bar { margin-top: 16px; }
.bar { height: 8px; border-radius: 4px; background: #e7e1f3; overflow: hidden; }
.bar div { width: 35%; height: 100%; background: #7d57d1; }
`;

const words: Readonly<Record<string, string>> = {
  courses: 'Course',
  course: 'Course',
  modules: 'Module',
  events: 'Event',
  'learning-paths': 'Learning path',
};

/** A page of the site: who is signed in, and which page this is. */
export function welcomePage(platform: Platform, user: User | null, path: string): string {
  if (!user) {
    const body = html`<h1>You are not signed in</h1>
      <div class="card"><p>Open Learningbank from the menu of your intranet.</p></div>`;
    return frame(platform.name, '', body);
  }
  const title = titleOf(path);
  const body = html`<h1>Welcome, ${user.firstName}</h1>
    <div class="card" data-page="/${path}" data-user="${user.id}">
      <h2>${title}</h2>
      <p>
        ${title === 'My learning' ? 'Here is what is waiting for you.' : 'You have begun. Go on where you stopped.'}
      </p>
      <div class="bar"><div></div></div>
    </div>`;
  return frame(platform.name, `${user.firstName} ${user.lastName}`, body);
}

/** `courses/12` is "Course 12". */
function titleOf(path: string): string {
  const [kind = '', ...rest] = path.split('/').map(readable);
  if (kind === '') return 'My learning';
  return [words[kind] ?? `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`, ...rest].join(' ');
}

function readable(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** A login link that was used, or is too old. */
export function linkGonePage(): string {
  const body = html`<h1>This link has been used</h1>
    <div class="card"><p>A login link works once, for a minute. Open Learningbank from your menu again.</p></div>`;
  return frame('Learningbank', '', body);
}

function frame(name: string, who: string, content: Html): string {
  const body = html`<header>${name} <span>${who}</span></header>
    <main>${content}</main>`;
  return page({ title: `${name} · Learningbank`, style, body });
}
