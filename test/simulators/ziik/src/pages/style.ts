/** How Ziik's pages look. */
export const style = /* css */ `
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: #1d2a33; background: #f3f5f7; display: flex; min-height: 100vh; }
nav { width: 230px; background: #16324a; color: #dbe6ee; display: flex; flex-direction: column; flex-shrink: 0; }
nav .site { padding: 20px; font-weight: 700; font-size: 18px; color: #fff; }
nav a { color: inherit; text-decoration: none; padding: 10px 20px; display: block; border-left: 3px solid transparent; }
nav a:hover, nav a.here { background: #1f4462; color: #fff; border-left-color: #4cc2a5; }
nav .group { padding: 18px 20px 6px; font-size: 12px; letter-spacing: .06em; text-transform: uppercase; color: #8fa9bc; }
nav .note { padding: 6px 20px; color: #f2c17d; font-size: 13px; }
nav .me { margin-top: auto; padding: 16px 20px; border-top: 1px solid #24496a; font-size: 14px; }
main { flex: 1; padding: 32px; min-width: 0; }
h1 { margin: 0 0 20px; font-size: 24px; }
.card { background: #fff; border-radius: 10px; padding: 18px 22px; margin-bottom: 16px; box-shadow: 0 1px 3px #0001; max-width: 640px; }
.card h2 { margin: 0 0 6px; font-size: 17px; }
.card p { margin: 0; color: #51636f; }
.chat { display: flex; gap: 20px; height: calc(100vh - 124px); }
.people { width: 250px; background: #fff; border-radius: 10px; overflow: auto; box-shadow: 0 1px 3px #0001; flex-shrink: 0; }
.people a { display: block; padding: 12px 16px; color: inherit; text-decoration: none; border-bottom: 1px solid #eef1f3; }
.people a.here { background: #e8f5f1; }
.people .last { color: #6a7b86; font-size: 13px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.people .unread { float: right; background: #4cc2a5; color: #fff; border-radius: 9px; padding: 0 7px; font-size: 12px; }
.talk { flex: 1; display: flex; flex-direction: column; background: #fff; border-radius: 10px; box-shadow: 0 1px 3px #0001; min-width: 0; }
.bubbles { flex: 1; overflow: auto; padding: 20px; display: flex; flex-direction: column; gap: 10px; }
.bubble { max-width: 70%; padding: 9px 14px; border-radius: 16px; background: #edf1f4; align-self: flex-start; white-space: pre-wrap; overflow-wrap: anywhere; }
.bubble.mine { background: #d3f0e7; align-self: flex-end; }
.bubble small { display: block; color: #70828d; font-size: 12px; }
.bubble a { color: #0b6e99; }
form { display: flex; gap: 10px; padding: 14px; border-top: 1px solid #eef1f3; }
input[type=text] { flex: 1; padding: 10px 14px; border: 1px solid #cfd8de; border-radius: 20px; font: inherit; }
button { padding: 10px 20px; border: 0; border-radius: 20px; background: #2b9d80; color: #fff; font: inherit; cursor: pointer; }
.phone { width: 360px; min-height: 640px; margin: 24px auto; padding: 24px; background: #fff; border-radius: 32px; box-shadow: 0 4px 24px #0002; display: flex; flex-direction: column; }
.tiles { display: grid; grid-template-columns: repeat(3, 1fr); gap: 12px; }
.tiles a, .bottom a { background: #e8f5f1; border-radius: 14px; padding: 22px 8px; text-align: center; color: inherit; text-decoration: none; font-size: 14px; }
.bottom { margin-top: auto; display: flex; gap: 12px; }
.bottom a { flex: 1; padding: 12px 8px; }
@media (max-width: 720px) {
  body { flex-direction: column; }
  nav { width: 100%; flex-direction: row; flex-wrap: wrap; align-items: center; }
  nav .group, nav .me { display: none; }
  nav a { padding: 8px 12px; border-left: 0; }
  main { padding: 16px; display: flex; flex-direction: column; }
  .chat { flex: 1; flex-direction: column; height: auto; }
  .people { width: 100%; max-height: 150px; }
  .bubbles { min-height: 40vh; }
}
`;
