// Lint rules: type-aware TypeScript, size limits, and who may import whom (scripts/imports/).
import tseslint from 'typescript-eslint';
import { imports } from './scripts/imports/rule.ts';

const noDefaultsNoStars = [
  'error',
  { selector: 'ExportDefaultDeclaration', message: 'Use a named export.' },
  { selector: 'ExportAllDeclaration', message: 'Name what is exported.' },
  { selector: 'TSEnumDeclaration', message: 'Use an `as const` union.' },
];

/** A list of some 100,000 does not fit onto the stack as the arguments of one call, and throws there. */
const noSpreadLists = {
  selector:
    'CallExpression[callee.property.name=/^(push|unshift|splice|max|min|fromCharCode|fromCodePoint|apply)$/] > SpreadElement',
  message: 'A long list does not fit into the arguments of a call: use a loop, reduce or an array literal.',
};

/** Lines that a function has of its own: those of the functions inside it are counted with them. */
const maxOwnLines = {
  meta: {
    messages: { long: 'This function has {{own}} lines of its own; at most {{max}} are allowed.' },
    schema: false,
  },
  create(context) {
    const [max] = context.options;
    const stack = [];
    const lines = (node) => node.loc.end.line - node.loc.start.line + 1;
    const leave = (node) => {
      const own = lines(node) - stack.pop();
      if (stack.length > 0) stack[stack.length - 1] += lines(node) - 1;
      if (own > max) context.report({ node, messageId: 'long', data: { own, max } });
    };
    const isFunction = ':matches(FunctionDeclaration, FunctionExpression, ArrowFunctionExpression)';
    return { [isFunction]: () => stack.push(0), [`${isFunction}:exit`]: leave };
  },
};
const house = { rules: { 'max-own-lines': maxOwnLines, imports } };

const sizes = {
  'max-lines': ['error', 300],
  'house/max-own-lines': ['error', 50],
  'max-params': ['error', 4],
};

export default tseslint.config(
  { plugins: { house } },
  {
    ignores: [
      'node_modules/',
      'build/',
      'dist/',
      '.cache/',
      '**/generated/',
      'semconv/upstream/',
      'semconv/index.ts',
    ],
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', setTimeout: 'readonly' } },
    rules: {
      ...sizes,
      'no-undef': 'error',
      'no-unused-vars': 'error',
      'prefer-const': 'error',
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      ...sizes,
      'no-restricted-syntax': noDefaultsNoStars,
      eqeqeq: 'error',
      // Interfaces here are made of plain functions: none uses `this`.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
    },
  },
  {
    files: ['{bin,config,native,receiver,scripts,semconv,text}/**/*.{ts,mjs}'],
    rules: { 'no-restricted-syntax': [...noDefaultsNoStars, noSpreadLists] },
  },
  { files: ['{text,semconv,config,native,receiver,test}/**/*.ts'], rules: { 'house/imports': 'error' } },
  {
    // node:test's own promises are awaited by the runner; a suite is one long function.
    files: ['test/**/*.ts', '**/*.test.ts'],
    rules: {
      'house/max-own-lines': 'off',
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite'] },
          ],
        },
      ],
      '@typescript-eslint/require-await': 'off',
      // Attribute values: a test prints whatever came.
      '@typescript-eslint/no-base-to-string': 'off',
    },
  },
  {
    // Node loads these by their default export, and the configuration of this file is one too.
    files: ['scripts/reporter.mjs', 'eslint.config.js'],
    rules: { 'no-restricted-syntax': 'off' },
  },
);
