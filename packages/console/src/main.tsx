import { render } from 'preact'
import { App } from './app.tsx'
import { applyKeptTheme } from './shell/theme.tsx'

applyKeptTheme()
const page = document.getElementById('page')
if (page) render(<App />, page)
